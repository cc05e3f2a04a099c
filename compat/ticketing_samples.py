"""The test data of specification 2: three users, five events, several bookings. There from the first request on."""

import asyncio
import logging
from datetime import timedelta
from decimal import Decimal
from uuid import uuid5

from accounts.guests import Guest, guest_id
from compat.service import CompatService, single_category
from ledger.entries import Details
from ledger.errors import Malformed, RuleBroken

log = logging.getLogger(__name__)

#: Name, phone, role.
USERS = (
    ("Amara Admin", "+1 555 0100", "admin"),
    ("Cleo Customer", "+1 555 0101", "customer"),
    ("Casper Customer", "+1 555 0102", "customer"),
)
#: Title, description, venue, days from the day when they are made, capacity, price: a whole number, as every currency has.
EVENTS = (
    ("Street Food Fair", "Forty kitchens on one square.", "Market Square", 7, 500, 5),
    ("String Quartet Night", "Four players, candle light.", "Old Chapel", 14, 60, 28),
    ("Startup Pitch Evening", "Ten ideas, three minutes each.", "Dock 7", 30, 120, 0),
    ("Rock Marathon", "Twelve bands until the morning.", "City Arena", 60, 2000, 65),
    ("Pottery Class", "One wheel each.", "Clay Room", 120, 8, 45),
)
#: User, event, quantity: their places above.
BOOKINGS = ((1, 0, 4), (1, 1, 2), (2, 1, 1), (2, 3, 5), (1, 4, 1), (2, 4, 2))


class Samples:
    """Made by the first request of each process; where others made them before, nothing happens: their commands are the same."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._loaded = False

    async def load(self, service: CompatService) -> None:
        if self._loaded:
            return
        async with self._lock:
            if not self._loaded:
                await self._make(service)
                self._loaded = True

    async def _make(self, service: CompatService) -> None:
        users = [await _user(service, *user) for user in USERS]
        day = users[0].created_at  # the same for whoever comes later, so that what they ask for is the same
        for place, (title, description, venue, days, capacity, price) in enumerate(EVENTS):
            event_id = uuid5(users[0].id, title)
            details = Details(name=title, starts_at=day + timedelta(days=days), description=description, venue=venue)
            try:
                await service.schedule_event(details, single_category(capacity, Decimal(price)), id_=event_id)
                event = await service.load_event_by_id(event_id)
                for number, (user, booked, quantity) in enumerate(BOOKINGS):
                    if booked == place:
                        await service.book(event, quantity, users[user], id_=uuid5(event_id, f"booking {number}"))
            except (RuleBroken, Malformed) as refusal:  # broken off long ago, and too late now
                log.warning("A sample event is left as it is: %s", refusal)


async def _user(service: CompatService, name: str, phone: str, role: str) -> Guest:
    id_ = guest_id(service.guests.api, f"sample {name}")
    made = await service.guests.create(name, phone=phone, role=role, id_=id_) or await service.guests.get(id_)
    assert made is not None, "made just now or there before"
    return made
