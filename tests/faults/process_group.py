"""`python -m tests.faults.process_group MODULE ...`: `python -m MODULE ...`, in a session of its own."""

import os
import runpy
import sys

if __name__ == "__main__":
    os.setsid()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
