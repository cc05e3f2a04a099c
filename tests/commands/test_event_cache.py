"""The event cache is used for every batch: its cost does not grow with the number of cached Events."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from commands.appender.event_cache import EventCache
from ledger import entries as e
from ledger.evolve import evolve
from tests.ledger import scenario as s


class Walked(OrderedDict[UUID, Any]):
    """Counts the keys that were visited."""

    steps = 0

    def __iter__(self) -> Iterator[UUID]:
        for key in super().__iter__():
            self.steps += 1
            yield key


def filled(events: int, limit: int) -> tuple[EventCache, Walked]:
    cache = EventCache(limit)
    cache._events = walked = Walked()
    for number in range(1, events + 1):
        cache.put(evolve(None, e.RecordedEntry(UUID(int=number), 1, s.scheduled())))
    walked.steps = 0
    return cache, walked


def test_a_cache_within_its_bound_is_not_traversed() -> None:
    cache, walked = filled(1_000, limit=10**9)
    cache.trim(spare=())
    assert (len(cache), walked.steps) == (1_000, 0)


def test_trimming_visits_only_removed_and_spared_events() -> None:
    cache, walked = filled(1_000, limit=10**9)
    weight = cache.bytes // 1_000
    cache._limit_bytes = cache.bytes - 3 * weight
    cache.trim(spare={UUID(int=2)})
    assert walked.steps <= 6
    assert [number for number in range(1, 7) if cache.get(UUID(int=number)) is None] == [1, 3, 4]
    assert cache.bytes == 997 * weight
    assert not cache.overfull


def test_trimming_keeps_the_last_and_the_spared_events() -> None:
    cache, _ = filled(3, limit=1)
    cache.trim(spare={UUID(int=1), UUID(int=2)})
    assert cache.get(UUID(int=3)) is None
    cache.trim(spare=())
    assert (len(cache), cache.overfull) == (1, False)
