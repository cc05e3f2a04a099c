"""`python -m tests.faults.seams SEAM CALLS MODULE …` runs a module of Seatledger that kills itself at a seam, at the given call."""

import os
import runpy
import signal
import sys
from collections.abc import Callable
from inspect import iscoroutinefunction
from itertools import count
from typing import Any

from ledger.connection import LedgerConnection
from projections.proof.signed_list import SignedList
from projections.registry import PROJECTORS
from projections.wake_ups import WakeUps

_APPENDS: list[tuple[type, str]] = [(LedgerConnection, "append"), (LedgerConnection, "append_and_commit")]
_FOLDS: list[tuple[type, str]] = [(type(projector), "fold") for projector in PROJECTORS.values()]
#: Which process has the seam, the functions at it, and whether it is before them.
SEAMS: dict[str, tuple[str, list[tuple[type, str]], bool]] = {
    "before the append": ("app", _APPENDS, True),
    "after the commit": ("app", _APPENDS, False),
    "after the wake-up": ("app", [(WakeUps, "send")], False),
    "in mid-projection": ("worker", _FOLDS, False),
    "before a checkpoint is signed": ("worker", [(SignedList, "append")], True),
    "signed, and not stored": ("worker", [(SignedList, "append")], False),
}


def arm(seam: str, calls: int) -> None:
    _, functions, is_before = SEAMS[seam]
    seen = count(1)

    def die_if_due() -> None:
        if next(seen) >= calls:
            os.kill(os.getpid(), signal.SIGKILL)

    for owner, name in functions:
        setattr(owner, name, _dying(getattr(owner, name), die_if_due, is_before))


def _dying(function: Callable[..., Any], die_if_due: Callable[[], None], is_before: bool) -> Callable[..., Any]:
    if iscoroutinefunction(function):

        async def waiting(*arguments: Any) -> Any:
            if is_before:
                die_if_due()
            result = await function(*arguments)
            if not is_before:
                die_if_due()
            return result

        return waiting

    def called(*arguments: Any) -> Any:
        if is_before:
            die_if_due()
        result = function(*arguments)
        if not is_before:
            die_if_due()
        return result

    return called


if __name__ == "__main__":
    _, chosen, number, *module = sys.argv
    arm(chosen, int(number))
    sys.argv = module
    runpy.run_module(module[0], run_name="__main__", alter_sys=True)
