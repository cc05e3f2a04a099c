"""`python -m seed`: loads the demo data into an empty, migrated ledger, by commands, in a second or two."""

import argparse
import asyncio
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid5

import psycopg

import servers
from accounts.access import Access
from accounts.people import NewAccount
from commands.appender import Appender
from commands.desk import Desk
from commands.ledger_connection import LedgerConnection
from commands.streams import Streams
from ledger import messages as m
from ledger.keys import Keyring, KeysError
from ledger.pool import make_pool
from ledger.settings import Settings, SettingsError
from ledger.ticket_codes import TicketCodes
from ledger.views import BookingView
from seed.demo import CUSTOMERS, PASSWORD, PEOPLE, Show, Step, story

_DEMO = UUID("5eed5eed-0000-4000-8000-5ea71ed6e500")


class Teller:
    """Tells the story: one command after the other, each at its time."""

    def __init__(self, people: list[UUID]) -> None:
        self._people = people
        self.today = self.now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        self.steps = story(self.today)
        self.bookings: dict[int, BookingView] = {}

    def clock(self) -> datetime:
        return self.now

    async def tell(self, desk: Desk) -> None:
        for step in self.steps:
            self.now = step.at
            view, _ = await desk.carry_out(self._command(step))
            if step.what == "book":
                assert isinstance(view, BookingView)
                self.bookings[step.order] = view

    def _command(self, step: Step) -> m.Command:
        id_ = uuid5(_DEMO, f"step {step.order}")
        event_id = _event_id(step.show)
        organizer = m.Actor(self._people[1], m.Role.ORGANIZER)
        who = organizer if step.customer < 0 else m.Actor(self._people[step.customer], m.Role.CUSTOMER)
        match step.what:
            case "schedule":
                details, categories = step.show.details(self.today), step.show.numbered_categories()
                return m.ScheduleEvent(
                    id=event_id,
                    actor=organizer,
                    event_id=event_id,
                    details=details,
                    currency=step.show.currency,
                    categories=categories,
                )
            case "book":
                wanted = (m.Wanted(step.category, step.quantity),)
                return m.BookSeats(id=id_, actor=who, event_id=event_id, tickets=wanted)
            case "cancel" | "part":
                tickets = (0,) if step.what == "part" else None
                booking = self.bookings[step.booking].id
                return m.CancelBooking(id=id_, actor=who, event_id=event_id, booking_id=booking, tickets=tickets)
            case "check-in":
                return m.CheckIn(id=id_, actor=organizer, event_id=event_id, booking_id=self.bookings[step.booking].id, ticket=0)
            case "cancelled":
                return m.CancelEvent(id=id_, actor=organizer, event_id=event_id, reason="The headliner is ill.")
            case _:
                return m.CompleteEvent(id=id_, actor=organizer, event_id=event_id)


def _event_id(show: Show) -> UUID:
    return uuid5(_DEMO, show.name)


async def load(settings: Settings) -> str:
    """Loads everything and says what there is. Raises SettingsError, ValueError where the ledger is not empty."""
    if not settings.database_url:
        raise SettingsError("No database: set DATABASE_URL, or start `make run` first.")
    async with make_pool(settings) as pool:
        streams = Streams(pool)
        if await streams.head():
            raise ValueError("The ledger is not empty: demo data is loaded into an empty one only.")
        access = Access(settings, pool, key=Keyring.open(settings.keys, "accounts").newest[1])
        async with access:
            people = [
                (
                    await access.people.create_user(
                        NewAccount(name=name, email=email, password=PASSWORD, role=role), uuid5(_DEMO, email)
                    )
                ).id
                for name, email, role in PEOPLE
            ]
            people += [await access.directory.find_or_make_customer(*customer) for customer in CUSTOMERS]
        teller = Teller(people)
        appender = Appender(connect=partial(LedgerConnection.connect, settings.database_url), streams=streams, clock=teller.clock)
        await appender.start()
        await teller.tell(Desk(appender, streams, TicketCodes(Keyring.open(settings.keys, "tickets"))))
        await appender.close()
    shows = sum(step.what == "schedule" for step in teller.steps)
    weeks = (datetime.now(UTC) - teller.steps[0].at) // timedelta(weeks=1)
    return f"Demo data: {shows} events, {len(teller.bookings)} bookings over {weeks} weeks, {len(people)} people."


def main() -> int:
    argparse.ArgumentParser(prog="python -m seed", description=__doc__).parse_args()
    try:
        print(asyncio.run(load(servers.running(Settings.from_env()))))
    except (SettingsError, KeysError, ValueError, psycopg.Error) as error:
        print(servers.one_line(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
