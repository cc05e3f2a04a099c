"""`python -m benchmarks.gc_on_signal MODULE`: `python -m MODULE`, and a full garbage collection whenever SIGUSR1 comes.

With the tuned thresholds a process books for hours before its first full collection, and that one then walks everything it holds. A
short load that never saw one would flatter: so every load, ours and the peers', has FULL_COLLECTIONS of them on the way.
"""

import gc
import runpy
import signal
import sys

FULL_COLLECTIONS = 2
SIGNAL = signal.SIGUSR1


def collect_on_signal() -> None:
    signal.signal(SIGNAL, lambda number, frame: gc.collect() and None)


if __name__ == "__main__":
    collect_on_signal()
    sys.argv = sys.argv[1:]
    sys.path.insert(0, "")
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
