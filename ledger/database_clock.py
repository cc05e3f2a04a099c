"""The time of day by the clock of the database, which all processes share: those of machines differ, and are set."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DatabaseClock:
    """Counts from the machine's steady clock, which nobody sets. Until the database has been asked, it starts at the machine's time
    of day."""

    def __init__(self, steady: Callable[[], float] = time.monotonic, time_of_day: Callable[[], float] = time.time) -> None:
        """Both in seconds."""
        self.steady = steady
        self._offset = time_of_day() - steady()

    def __call__(self) -> datetime:
        return _EPOCH + timedelta(seconds=self.steady() + self._offset)

    def learn(self, answer: datetime, asked_at: float, answered_at: float) -> None:
        """`answer`: the database's time at some moment between these two of the steady clock. The clock moves only as far as this
        proves it wrong, so that a slow answer moves it little or not at all."""
        seconds = (answer - _EPOCH).total_seconds()
        self._offset = min(max(self._offset, seconds - answered_at), seconds - asked_at)
