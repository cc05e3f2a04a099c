"""Python's garbage collector, tuned for a process that keeps much and makes little garbage in circles (docs/decisions/0003)."""

import gc


def tune() -> None:
    """What is there now stays: the collector need not look at it again, and looks at the rest seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
