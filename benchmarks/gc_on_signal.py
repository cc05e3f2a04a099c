"""`python -m benchmarks.gc_on_signal MODULE` runs `python -m MODULE` with a full garbage collection at each SIGUSR1.

With the tuned thresholds a process books for hours before its first full collection, which then visits every object. A short load
without one would give too good figures, so each load, of Seatledger and of peers, includes FULL_COLLECTIONS of them.
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
