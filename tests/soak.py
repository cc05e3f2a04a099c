"""How long random tests go on: `make test` plays some rounds, `make soak` (SOAK=1) many; and how exactly they
measure time."""

import os

SOAK = "SOAK" in os.environ


#: `make test` may share its machine, so there a bound of a few seconds only shows that nothing hangs.
_PATIENCE = 1 if SOAK else 4


def within(seconds: float) -> float:
    """The time that something may take: as promised in `make soak`, which has the machine to itself; longer in `make test`."""
    return _PATIENCE * seconds


#: How long a process that was told to end may take.
END_SECONDS = within(15)


def rounds(usual: int, soak: int) -> int:
    return soak if SOAK else usual
