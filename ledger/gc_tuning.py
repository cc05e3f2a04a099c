"""Tuning of Python's garbage collector for a process that keeps many objects and makes few reference cycles
(docs/decisions/0003)."""

import gc


def tune() -> None:
    """Exempts all present objects from garbage collection, and makes collections of the others rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
