"""What one client, an account or an address, may take: commands a minute, and things open at once.

Counted in each process by itself, since a request to Redis would cost more than a booking; the `limits` package, which log-ins use,
takes 2.4 µs in memory, this a quarter of one (docs/decisions/0061).
"""

from collections import Counter
from collections.abc import Callable, Hashable
from math import ceil
from time import monotonic

from ledger.errors import TooManyRequests

MINUTE = 60.0
#: Keys of one minute, some 10 MB. Past it the next minute begins early.
MAX_KEYS = 50_000


class RateLimiter:
    def __init__(self, per_minute: int, clock: Callable[[], float] = monotonic) -> None:
        """`per_minute`: 0 is no limit. `clock`: seconds that never go back."""
        self._limit, self._clock = per_minute, clock
        self._counts: dict[Hashable, int] = {}
        self._ends_at = 0.0

    def count(self, key: Hashable) -> None:
        """Counts a request. Raises TooManyRequests past the limit, until the minute ends."""
        if not self._limit:
            return
        now = self._clock()
        if now >= self._ends_at or len(self._counts) >= MAX_KEYS:
            self._counts.clear()
            self._ends_at = now + MINUTE
        count = self._counts.get(key, 0)
        if count >= self._limit:
            raise TooManyRequests(ceil(self._ends_at - now))
        self._counts[key] = count + 1

    def take_back(self, key: Hashable) -> None:
        """One that was counted does not count."""
        if self._counts.get(key, 0):
            self._counts[key] -= 1


class OpenLimiter:
    """Counts what each key has open."""

    def __init__(self, limit: int) -> None:
        """`limit`: of one key; 0 is no limit."""
        self._limit = limit
        self._open: Counter[Hashable] = Counter()

    def add(self, key: Hashable) -> bool:
        """Counts one more. False, without counting it: the key has as many as it may."""
        if self._limit and self._open[key] >= self._limit:
            return False
        self._open[key] += 1
        return True

    def remove(self, key: Hashable) -> None:
        """One that was added is closed."""
        self._open[key] -= 1
        if not self._open[key]:
            del self._open[key]
