"""When something that somebody else is asked for again and again is asked next: more and more rarely, so that nobody is flooded."""

from collections.abc import Callable, Hashable, Iterable
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)


class _Pause(NamedTuple):
    seconds: float
    ends_at: float


class Pauses(Generic[K]):
    """The first pause lasts `first_seconds`, each later one half as long again, up to `longest_seconds`."""

    def __init__(self, first_seconds: float, longest_seconds: float, now: Callable[[], float] = monotonic) -> None:
        self._first, self._longest, self._now = first_seconds, longest_seconds, now
        self._pauses: dict[K, _Pause] = {}

    def __len__(self) -> int:
        return len(self._pauses)

    def has_ended(self, key: K) -> bool:
        """Whether it may be asked now: it never was, or long enough ago."""
        pause = self._pauses.get(key)
        return pause is None or pause.ends_at <= self._now()

    def begin(self, key: K) -> None:
        """It was asked now, in vain."""
        before = self._pauses.get(key)
        seconds = self._first if before is None else min(before.seconds * 1.5, self._longest)
        self._pauses[key] = _Pause(seconds, self._now() + seconds)

    def keep(self, keys: Iterable[K]) -> None:
        """Forgets all others: they are not asked any more."""
        self._pauses = {key: self._pauses[key] for key in keys if key in self._pauses}
