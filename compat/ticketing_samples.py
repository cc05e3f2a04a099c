"""The sample data of specification 2: three users, five events, several bookings. Loaded before the first request is handled."""

import asyncio
import logging
from datetime import timedelta
from decimal import Decimal
from uuid import uuid5

from accounts.guests import Guest, fixed_id
from compat.service import CompatService, single_category
from ledger.details import Details
from ledger.errors import Malformed, RuleBroken

log = logging.getLogger(__name__)

#: Name, phone, role.
USERS = (
    ("Amara Admin", "+1 555 0100", "admin"),
    ("Cleo Customer", "+1 555 0101", "customer"),
    ("Casper Customer", "+1 555 0102", "customer"),
)
#: Title, description, venue, days after the day of loading, capacity, price (a whole number, which every currency can express).
EVENTS = (
    ("Street Food Fair", "Forty kitchens on one square.", "Market Square", 7, 500, 5),
    ("String Quartet Night", "Four players, candle light.", "Old Chapel", 14, 60, 28),
    ("Startup Pitch Evening", "Ten ideas, three minutes each.", "Dock 7", 30, 120, 0),
    ("Rock Marathon", "Twelve bands until the morning.", "City Arena", 60, 2000, 65),
    ("Pottery Class", "One wheel each.", "Clay Room", 120, 8, 45),
)
#: User and event as indexes of the tuples above, quantity.
BOOKINGS = ((1, 0, 4), (1, 1, 2), (2, 1, 1), (2, 3, 5), (1, 4, 1), (2, 4, 2))


class Samples:
    """Loads the sample data at the first request of each process. The commands have fixed ids, so loading again changes nothing."""

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
        day = users[0].created_at  # the same for every process, so that all give identical commands
        for index, (title, description, venue, days, capacity, price) in enumerate(EVENTS):
            event_id = uuid5(users[0].id, title)
            details = Details(name=title, starts_at=day + timedelta(days=days), description=description, venue=venue)
            try:
                await service.schedule_event(details, single_category(capacity, Decimal(price)), id_=event_id)
                event = await service.load_event_by_id(event_id)
                for number, (user, booked, quantity) in enumerate(BOOKINGS):
                    if booked == index:
                        await service.book(event, quantity, users[user], id_=uuid5(event_id, f"booking {number}"))
            except (RuleBroken, Malformed) as error:  # loading was interrupted, and the event has passed meanwhile
                log.warning("A sample event stays incomplete: %s", error)


async def _user(service: CompatService, name: str, phone: str, role: str) -> Guest:
    id_ = fixed_id(service.guests.api, f"sample {name}")
    guest = await service.guests.create(name, phone=phone, role=role, id_=id_) or await service.guests.get(id_)
    assert guest is not None, "created now or before"
    return guest
