"""The holds that this process made and that are still open as far as it knows: of which event each is, and how many one client has.

Counted in each process by itself, as `client_limits.py` does. What another process ends or extends is noticed by a look at the read
tables, but only before somebody is refused. A process that forgets what it counted allows more, never less.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Hashable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from math import ceil
from typing import NamedTuple
from uuid import UUID

from ledger.hold_errors import HoldNotFound, TooManyHolds
from ledger.hold_rules import MAX_EXTENSIONS
from ledger.hold_views import HoldView
from ledger.views import BookedBy

#: Some 50 MB, 1 kB each with its ids. Past it the oldest are forgotten.
MAX_HOLDS = 50_000

#: A client, and how many open holds it may have; 0: any number.
Limit = tuple[Hashable, int]


class _Open(NamedTuple):
    """`clients`: those whose limits count it, `weight` times each. `last_end`: of as many extensions as it may have, by the minutes
    that it was made for."""

    held_by: BookedBy
    expires_at: datetime
    last_end: datetime
    clients: tuple[Hashable, ...]
    weight: int


class Reservation:
    """Room for one hold more. `hold`: the one that was made, if one was."""

    hold: HoldView | None = None


class OpenHolds:
    """In `app.state.open_holds`."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        find: Callable[[UUID], Awaitable[BookedBy | None]],
        find_ends: Callable[[Collection[UUID]], Awaitable[Mapping[UUID, datetime | None]]],
    ) -> None:
        """`find` a hold that another process made; `find_ends`: when those of these holds end that the read side knows; None: one
        has ended."""
        self._clock, self._find, self._find_ends = clock, find, find_ends
        self._holds: dict[UUID, _Open] = {}
        self._counted: dict[Hashable, set[UUID]] = {}
        #: By client: the weights of its holds, and of those that are being made.
        self._total: Counter[Hashable] = Counter()

    async def held_by(self, hold_id: UUID) -> BookedBy:
        """The event of a hold, and for whom it is. Raises HoldNotFound, StaleRead, Busy."""
        known = self._holds.get(hold_id)
        found = known.held_by if known is not None else await self._find(hold_id)
        if found is None:
            raise HoldNotFound
        return found

    @asynccontextmanager
    async def reserved(self, *limits: Limit, weight: int = 1) -> AsyncIterator[Reservation]:
        """Room for one hold that is made in the block; it counts `weight` times. Raises TooManyHolds, Busy."""
        clients = tuple(client for client, limit in limits if limit)
        for client, limit in limits:
            if limit and self._total[client] + weight > limit:
                await self._drop_ended(client)
        for client, limit in limits:  # and none waits between this and the count
            if limit and self._total[client] + weight > limit:
                raise TooManyHolds(limit, self._seconds_until_room(client))
        for client in clients:
            self._total[client] += weight
        reservation = Reservation()
        try:
            yield reservation
        finally:
            if reservation.hold is not None and reservation.hold.id not in self._holds:
                self._remember(reservation.hold, clients, weight)
            else:
                self._give_back(clients, weight)

    def extended(self, hold: HoldView) -> None:
        known = self._holds.get(hold.id)
        if known is not None:
            held_by = BookedBy(hold.event_id, hold.customer_id)
            self._holds[hold.id] = known._replace(held_by=held_by, expires_at=hold.expires_at)

    def taken_over(self, hold_id: UUID, customer_id: UUID | None) -> None:
        """Another process has made it this customer's."""
        known = self._holds.get(hold_id)
        if known is not None:
            self._holds[hold_id] = known._replace(held_by=known.held_by._replace(customer_id=customer_id))

    def ended(self, hold_id: UUID) -> None:
        """It counts no more. Its event is still known, for retries."""
        known = self._holds.get(hold_id)
        if known is not None:
            self._uncount(hold_id, known)
            self._holds[hold_id] = known._replace(clients=())

    def reset(self) -> None:
        """The ledger went back: forgets what was made."""
        for hold_id in list(self._holds):
            self._forget(hold_id)

    async def _drop_ended(self, client: Hashable) -> None:
        """A hold that the read side does not know yet ends as this process knows."""
        ends = await self._find_ends(list(self._counted.get(client, ())))
        now = self._clock()
        for hold_id in list(self._counted.get(client, ())):
            known = self._holds[hold_id]
            end = ends.get(hold_id, known.expires_at)
            if end is None or max(end, known.expires_at) <= now:
                self.ended(hold_id)
            else:
                self._holds[hold_id] = known._replace(expires_at=max(end, known.expires_at))

    def _seconds_until_room(self, client: Hashable) -> int:
        ends = [self._holds[id_].expires_at for id_ in self._counted.get(client, ())]
        return max(1, ceil((min(ends) - self._clock()).total_seconds())) if ends else 1

    def _remember(self, hold: HoldView, clients: tuple[Hashable, ...], weight: int) -> None:
        if len(self._holds) >= MAX_HOLDS:
            self._forget(next(iter(self._holds)))
        last_end = hold.expires_at + MAX_EXTENSIONS * (hold.expires_at - hold.held_at)
        self._holds[hold.id] = _Open(BookedBy(hold.event_id, hold.customer_id), hold.expires_at, last_end, clients, weight)
        for client in clients:
            self._counted.setdefault(client, set()).add(hold.id)
        now = self._clock()
        while self._holds and self._holds[first := next(iter(self._holds))].last_end <= now:
            self._forget(first)

    def _forget(self, hold_id: UUID) -> None:
        self._uncount(hold_id, self._holds.pop(hold_id))

    def _uncount(self, hold_id: UUID, known: _Open) -> None:
        self._give_back(known.clients, known.weight)
        for client in known.clients:
            ids = self._counted[client]
            ids.discard(hold_id)
            if not ids:
                del self._counted[client]

    def _give_back(self, clients: tuple[Hashable, ...], weight: int) -> None:
        for client in clients:
            self._total[client] -= weight
            if not self._total[client]:
                del self._total[client]
