"""Noticing a ledger that went back: a backup was restored, or a standby that lagged was promoted, under a running process. What the
process has in memory is then of a history that the database does not have.

Each process remembers its anchor: the newest entry that it knows, by position and MAC. If the database does not hold that entry any
more, everything in memory is dropped, and the process begins again.
"""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


class LedgerWentBack(Exception):
    """The database does not hold an entry that this process has read or appended before."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The ledger went back: {what} is not in the database any more. A backup was restored, or a standby that lagged was"
            " promoted. What was booked since then is lost; this process drops what it has in memory, and begins again."
        )


class Anchor:
    """The newest entry that this process knows; position 0: none. `losses` counts how often the ledger went back."""

    def __init__(self) -> None:
        self.position = 0
        self.mac: bytes | None = None
        self.losses = 0
        self._listeners: list[Callable[[], None]] = []

    def on_loss(self, listener: Callable[[], None]) -> None:
        """`listener` is called whenever the ledger went back. It must neither block nor raise."""
        self._listeners.append(listener)

    def move(self, position: int, mac: bytes | None) -> None:
        """This process knows the entry at `position`. An older one than the anchor is ignored."""
        if position > self.position:
            self.position, self.mac = position, mac

    def lose(self, error: LedgerWentBack, losses: int) -> None:
        """The ledger went back: says so, forgets the anchor and lets everybody drop what they remember. `losses`: how many there
        were when the missing entry was taken for known. If there was another one since, everything is dropped already."""
        if losses != self.losses:
            return
        log.critical("%s", error)
        self.position, self.mac = 0, None
        self.losses += 1
        for listener in self._listeners:
            listener()
