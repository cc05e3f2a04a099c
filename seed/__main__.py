"""`python -m seed`: loads the demo data into an empty, migrated ledger, by commands, in a second or two; or the rest of it, where
that was broken off."""

import argparse
import asyncio
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import psycopg

from accounts.access import Access
from accounts.account_service import NewAccount
from accounts.guests import DEFAULT_ORGANIZER, guest_id
from ledger.commands import (
    Actor,
    BookSeats,
    CancelBooking,
    CancelEvent,
    CheckIn,
    Command,
    CompleteEvent,
    Role,
    ScheduleEvent,
    WantedSeats,
)
from ledger.database_errors import one_line
from ledger.errors import SeatledgerError
from ledger.keys import Keyring, KeysError
from ledger.macs import Macs
from ledger.pool import Pool, make_pool
from ledger.settings import Settings, SettingsError
from ledger.store import Ledger, LedgerUnavailable
from seed.demo import CUSTOMERS, DEMO, NAMES, PASSWORD, PEOPLE, Step, command_id, event_id, story
from seed.progress import NotDue, beginning


class Teller:
    """Tells the story: one command after the other, each at its time."""

    def __init__(self, people: list[UUID], today: datetime, steps: list[Step]) -> None:
        self._people, self._today, self.steps = people, today, steps

    def tell(self, ledger: Ledger, told: int) -> None:
        """All but the first `told` steps, which are in the ledger."""
        for step in self.steps[told:]:
            ledger.execute(self._command(step), step.at)

    def count(self, what: str) -> int:
        return sum(step.what == what for step in self.steps)

    def _command(self, step: Step) -> Command:
        api = step.show.api
        organizer = Actor(guest_id(api, DEFAULT_ORGANIZER) if api else self._people[1], Role.ORGANIZER)
        who = organizer if step.customer < 0 or api else Actor(self._people[step.customer], Role.CUSTOMER)
        guest = guest_id(api, NAMES[step.customer]) if api else None
        id_, event = command_id(step), event_id(step.show)
        match step.what:
            case "schedule":
                details, categories, currency = step.show.details(self._today), step.show.numbered_categories(), step.show.currency
                return ScheduleEvent(
                    id=id_, actor=organizer, event_id=event, details=details, currency=currency, categories=categories
                )
            case "book":
                return BookSeats(
                    id=id_, actor=who, event_id=event, tickets=(WantedSeats(step.category, step.quantity),), customer_id=guest
                )
            case "cancel" | "part":
                tickets = (0,) if step.what == "part" else None
                return CancelBooking(id=id_, actor=who, event_id=event, booking_id=step.booking, tickets=tickets)
            case "check-in":
                return CheckIn(id=id_, actor=organizer, event_id=event, booking_id=step.booking, ticket=0)
            case "cancelled":
                return CancelEvent(id=id_, actor=organizer, event_id=event, reason="The headliner is ill.")
            case _:
                return CompleteEvent(id=id_, actor=organizer, event_id=event)


async def load(settings: Settings, now: datetime | None = None) -> str:
    """Loads everything, or what is missing of it, and says what there is.

    Raises SettingsError; NotDue where the ledger holds all of it or anything else; SeatledgerError where a command is refused;
    LedgerUnavailable."""
    if not settings.database_url:
        raise SettingsError("No database: set DATABASE_URL, or start `make run` first.")
    today, told = await asyncio.to_thread(beginning, settings.database_url, now or datetime.now(UTC))
    async with make_pool(settings) as pool:
        steps = story(today)
        teller = Teller(await _make_people(settings, pool, steps), today, steps)
    with closing(Ledger(settings.database_url, Macs.open(settings.keys))) as ledger:
        await asyncio.to_thread(teller.tell, ledger, told)
    weeks = (today - teller.steps[0].at) // timedelta(weeks=1)
    people = len(PEOPLE) + len(CUSTOMERS)
    return f"Demo data: {teller.count('schedule')} events, {teller.count('book')} bookings over {weeks} weeks, {people} people."


async def _make_people(settings: Settings, pool: Pool, steps: list[Step]) -> list[UUID]:
    """Their ids, in the order of the story, and the guests of the other API. Who is there already stays who they are."""
    access = Access(settings, pool, key=Keyring.open(settings.keys, "accounts").newest[1])
    async with access:
        users = [
            (NewAccount(name=name, email=email, password=PASSWORD, role=role), uuid5(DEMO, email)) for name, email, role in PEOPLE
        ]
        ids = [(await access.accounts.create_user(*user)).id for user in users]
        ids += [await access.directory.find_or_create_customer(*customer) for customer in CUSTOMERS]
        for step in steps:
            if step.show.api:
                handle = DEFAULT_ORGANIZER if step.what == "schedule" else NAMES[step.customer]
                await access.guests(step.show.api).find_or_create(handle)
        return ids


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m seed", description=__doc__)
    parser.add_argument("--where-due", action="store_true", help="where DEMO is on and the ledger is empty; else nothing")
    where_due = parser.parse_args().where_due
    try:
        settings = Settings.of_running()
        if where_due and not settings.demo:
            return 0
        print(asyncio.run(load(settings)))
    except NotDue as error:
        print(error, file=sys.stdout if where_due else sys.stderr)
        return 0 if where_due else 1
    except (SettingsError, KeysError, SeatledgerError, LedgerUnavailable, ValueError, psycopg.Error) as error:
        print(one_line(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
