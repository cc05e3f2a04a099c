"""`python -m seed`: loads the demo data into an empty, migrated ledger by commands, in a second or two; after an interruption, the
missing rest."""

import argparse
import asyncio
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import psycopg

from accounts import account_rows
from accounts.access import Access
from accounts.account_rows import NewAccount
from accounts.database import transaction
from accounts.guests import DEFAULT_ORGANIZER
from accounts.origin import OPERATOR
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
    TakePayment,
    WantedSeats,
)
from ledger.database_errors import one_line
from ledger.entries import BoxOfficeMethod
from ledger.errors import SeatledgerError
from ledger.keys import Keyring, KeysError
from ledger.macs import Macs
from ledger.outbox import quiet
from ledger.pool import Pool, make_pool
from ledger.settings import Settings, SettingsError
from ledger.store import Ledger, LedgerUnavailable
from seed.demo import CUSTOMERS, DEMO, NAMES, PASSWORD, PEOPLE, Step, command_id, event_id, scenario
from seed.progress import DemoNotLoadable, find_progress


class DemoLoader:
    """Executes the commands of the scenario one after the other, each at its own time."""

    def __init__(self, people: list[UUID], guests: dict[tuple[str, str], UUID], today: datetime, steps: list[Step]) -> None:
        """`guests`: the ids of the guests of the other APIs, by API and handle."""
        self._people, self._guests, self._today, self.steps = people, guests, today, steps

    def load(self, ledger: Ledger, steps_done: int) -> None:
        """Executes all but the first `steps_done` steps, which are in the ledger already."""
        for step in self.steps[steps_done:]:
            ledger.execute(self._command(step), step.at)

    def count(self, what: str) -> int:
        return sum(step.what == what for step in self.steps)

    def _command(self, step: Step) -> Command:
        api = step.event.api
        organizer = Actor(self._guests[api, DEFAULT_ORGANIZER] if api else self._people[1], Role.ORGANIZER)
        actor = organizer if step.customer < 0 or api else Actor(self._people[step.customer], Role.CUSTOMER)
        guest = self._guests.get((api, NAMES[step.customer]))
        id_, event = command_id(step), event_id(step.event)
        match step.what:
            case "schedule":
                details, categories, currency = (
                    step.event.details(self._today),
                    step.event.numbered_categories(),
                    step.event.currency,
                )
                return ScheduleEvent(
                    id=id_, actor=organizer, event_id=event, details=details, currency=currency, categories=categories
                )
            case "book":
                return BookSeats(
                    id=id_, actor=actor, event_id=event, tickets=(WantedSeats(step.category, step.quantity),), customer_id=guest
                )
            case "cancel" | "part":
                tickets = (0,) if step.what == "part" else None
                return CancelBooking(id=id_, actor=actor, event_id=event, booking_id=step.booking, tickets=tickets)
            case "check-in":
                return CheckIn(id=id_, actor=organizer, event_id=event, booking_id=step.booking, ticket=0)
            case "pay":
                return _payment(step, organizer)
            case _:
                return _ending(step, organizer)


def _ending(step: Step, organizer: Actor) -> Command:
    id_, event = command_id(step), event_id(step.event)
    if step.what == "cancelled":
        return CancelEvent(id=id_, actor=organizer, event_id=event, reason="The headliner is ill.")
    return CompleteEvent(id=id_, actor=organizer, event_id=event)


def _payment(step: Step, organizer: Actor) -> TakePayment:
    method: BoxOfficeMethod = "card" if step.order % 2 else "cash"
    return TakePayment(
        id=command_id(step), actor=organizer, event_id=event_id(step.event), booking_id=step.booking, method=method,
        amount=step.amount,
    )  # fmt: skip


async def load(settings: Settings, now: datetime | None = None) -> str:
    """Loads all demo data, or the missing rest of it. Returns a summary for the terminal.

    Raises SettingsError; DemoNotLoadable where the ledger holds all of it or anything else; SeatledgerError where a command is
    refused; LedgerUnavailable."""
    if not settings.database_url:
        raise SettingsError("No database: set DATABASE_URL, or start `make run` first.")
    today, steps_done = await asyncio.to_thread(find_progress, settings.database_url, now or datetime.now(UTC))
    async with make_pool(settings) as pool:
        steps = scenario(today)
        loader = DemoLoader(*await _create_people(settings, pool, steps), today, steps)
    with closing(Ledger(settings.database_url, Macs.open(settings.keys))) as ledger, quiet(settings.database_url):
        await asyncio.to_thread(loader.load, ledger, steps_done)
    weeks = (today - loader.steps[0].at) // timedelta(weeks=1)
    people = len(PEOPLE) + len(CUSTOMERS)
    return f"Demo data: {loader.count('schedule')} events, {loader.count('book')} bookings over {weeks} weeks, {people} people."


async def _create_people(settings: Settings, pool: Pool, steps: list[Step]) -> tuple[list[UUID], dict[tuple[str, str], UUID]]:
    """Creates the accounts, the contacts and the guests of the scenario, unless they exist. Returns the ids of the first two in the
    scenario's order, and those of the guests by API and handle."""
    access = Access(settings, pool, key=Keyring.open(settings.keys, "accounts").newest[1])
    async with access:
        users = [
            (NewAccount(name=name, email=email, password=PASSWORD, role=role), uuid5(DEMO, email)) for name, email, role in PEOPLE
        ]
        ids = [(await access.accounts.create_user(*user)).id for user in users]
        async with transaction(pool) as cursor:  # nobody has to confirm addresses that are not there
            for id_ in ids:
                await account_rows.prove_email(cursor, id_, OPERATOR, keeps_access=True)
        ids += [(await access.directory.find_or_create_contact(ids[1], *customer)).id for customer in CUSTOMERS]
        guests = {}
        for step in steps:
            if step.event.api:
                handle = DEFAULT_ORGANIZER if step.what == "schedule" else NAMES[step.customer]
                if (step.event.api, handle) not in guests:
                    guests[step.event.api, handle] = (await access.guests(step.event.api).find_or_create(handle)).id
        return ids, guests


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m seed", description=__doc__)
    parser.add_argument("--where-due", action="store_true", help="load only if DEMO is on and the ledger is empty; else do nothing")
    where_due = parser.parse_args().where_due
    try:
        settings = Settings.of_running()
        if where_due and not settings.demo:
            return 0
        print(asyncio.run(load(settings)))
    except DemoNotLoadable as error:
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
