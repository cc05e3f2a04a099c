"""Helpers of the tests: appenders on a real PostgreSQL, commands, outcomes, and the rows of the ledger."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg

from commands.appender.appender import Appender
from commands.appender.batch import AcceptedCommand, RepeatedCommand
from commands.result import CommandResult
from commands.service import CommandService
from ledger import entries as e
from ledger.commands import (
    Actor,
    BookSeats,
    CancelBooking,
    CancelEvent,
    CheckIn,
    Command,
    ConfirmHold,
    ExtendHold,
    HoldSeats,
    ReleaseHold,
    ScheduleEvent,
)
from ledger.connection import LedgerConnection
from ledger.details import Category
from ledger.entries import topic_of
from ledger.errors import RetryableError
from ledger.keys import Keyring
from ledger.macs import MacCheck
from ledger.mapper import decode, encode
from ledger.pool import make_pool
from ledger.recorder import ORDERING_LOCK
from ledger.settings import Settings
from ledger.streams import Streams
from ledger.ticket_codes import TicketCodes
from tests.ledger import scenario as s
from tests.ledger import storage
from tests.waiting import until

ALICE, BOB, ORGANIZER = s.ALICE, s.BOB, s.ORGANIZER


@asynccontextmanager
async def an_appender(
    database_url: str,
    connect: Callable[[], Awaitable[LedgerConnection]] | None = None,
    clock: Callable[[], datetime] = lambda: s.NOW,
    **bounds: Any,
) -> AsyncIterator[Appender]:
    """An appender as in an API process, whose clock shows the time of the examples, or another one."""

    async def directly() -> LedgerConnection:
        return await LedgerConnection.connect(database_url, storage.MACS)

    async with make_pool(Settings(database_url=database_url)) as pool:
        await pool.wait()
        appender = Appender(connect=connect or directly, streams=Streams(pool, MacCheck(storage.MACS)), clock=clock, **bounds)
        await appender.start()
        try:
            yield appender
        finally:
            await appender.close()


@asynccontextmanager
async def a_command_service(database_url: str, clock: Callable[[], datetime] = lambda: s.NOW) -> AsyncIterator[CommandService]:
    async with an_appender(database_url, clock=clock) as appender:
        yield CommandService(appender, appender._memory.loader.streams, TicketCodes(Keyring({1: bytes(32)})))


# --- commands


def schedule(capacity: int = 10, limit: int | None = None, name: str = "General") -> ScheduleEvent:
    command = s.schedule(Category(1, name, 5_000, capacity), max_tickets_per_customer=limit)
    return msgspec.structs.replace(command, event_id=command.id)


async def scheduled(appender: Appender, capacity: int = 10, limit: int | None = None) -> UUID:
    """Schedules an event and returns its id."""
    command = schedule(capacity, limit)
    await appender.submit(command)
    return command.event_id


def book(event_id: UUID, actor: Actor = ALICE, quantity: int = 1, id_: UUID | None = None) -> BookSeats:
    return msgspec.structs.replace(s.book(actor, General=quantity), event_id=event_id, id=id_ or uuid4())


def hold(event_id: UUID, actor: Actor = ALICE, quantity: int = 1) -> HoldSeats:
    return msgspec.structs.replace(s.hold(actor, General=quantity), event_id=event_id)


def confirm(event_id: UUID, hold: UUID, actor: Actor = ALICE) -> ConfirmHold:
    return msgspec.structs.replace(s.confirm(actor, hold), event_id=event_id)


def extend(event_id: UUID, hold: UUID, actor: Actor = ALICE) -> ExtendHold:
    return msgspec.structs.replace(s.extend(actor, hold), event_id=event_id)


def release(event_id: UUID, hold: UUID, actor: Actor = ALICE) -> ReleaseHold:
    return msgspec.structs.replace(s.release(actor, hold), event_id=event_id)


def cancel(event_id: UUID, booking: UUID) -> CancelBooking:
    return msgspec.structs.replace(s.cancel(ORGANIZER, booking=booking), event_id=event_id)


def check_in(event_id: UUID, booking: UUID, ticket: int = 0) -> CheckIn:
    return msgspec.structs.replace(s.check_in(ORGANIZER, ticket, booking), event_id=event_id)


def cancel_event(event_id: UUID) -> CancelEvent:
    return CancelEvent(id=uuid4(), actor=ORGANIZER, event_id=event_id)


# --- outcomes


def send(appender: Appender, *commands: Command) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(appender.submit(command)) for command in commands]


async def answers(sent: Iterable[asyncio.Task[Any]]) -> list[Any]:
    """Outcomes and errors, in order."""
    return await asyncio.gather(*sent, return_exceptions=True)


async def outcomes(appender: Appender, commands: Iterable[Command]) -> list[Any]:
    """The outcomes and errors of commands that are sent concurrently, in order."""
    return await answers(send(appender, *commands))


def count(kind: type, outcomes: Iterable[Any]) -> int:
    return sum(type(outcome) is kind for outcome in outcomes)


async def insist(appender: Appender, command: Command) -> tuple[AcceptedCommand | RepeatedCommand, int]:
    """Retries a command, like a client, until its outcome is known; returns the outcome and the number of tries."""
    for tries in range(1, 100):
        try:
            return await appender.submit(command), tries
        except RetryableError:
            await asyncio.sleep(0.05)
    raise AssertionError("no outcome after a hundred tries")


async def execute(service: CommandService, command: Command) -> CommandResult:
    """As `insist`, by the command service."""
    for _ in range(100):
        try:
            return await service.execute(command)
        except RetryableError:
            await asyncio.sleep(0.05)
    raise AssertionError("no result after a hundred tries")


# --- the database, past the appender


async def stream_of(database_url: str, event_id: UUID) -> list[e.RecordedEntry]:
    """The entries of a stream, read from the table."""
    query = "SELECT originator_version, topic, state, notification_id FROM ledger_entries WHERE originator_id = %s ORDER BY 1"
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        rows = await (await connection.execute(query, (event_id,), binary=True)).fetchall()
    return [e.RecordedEntry(event_id, version, decode(topic, state), position) for version, topic, state, position in rows]


async def bookings_of(database_url: str, event_id: UUID) -> list[UUID]:
    """The ids of an event's bookings, in order. Checks that versions have no gaps and bookings are unique."""
    recorded = await stream_of(database_url, event_id)
    assert [entry.version for entry in recorded] == list(range(1, len(recorded) + 1))
    booking_ids = [stored.entry.command for stored in recorded if isinstance(stored.entry, e.SeatsBooked)]
    assert len(booking_ids) == len(set(booking_ids))
    return booking_ids


@asynccontextmanager
async def blocked_appends(database_url: str) -> AsyncIterator[None]:
    """Blocks all appends: another connection holds the ordering lock."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (ORDERING_LOCK,))
        yield


async def wait_for_blocked_appends(database_url: str, how_many: int = 1) -> None:
    """Returns once this number of appends wait for the ordering lock."""
    query = """
        SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
        WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:

        async def are_blocked() -> bool:
            (count,) = await (await connection.execute(query)).fetchone() or (0,)
            return int(count) >= how_many

        await until(are_blocked, pause_seconds=0.005)


async def cut_connections(database_url: str, application: str = "seatledger-appender") -> int:
    """Cuts connections, like a restart of the database; returns their number."""
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()"
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        return len(await (await connection.execute(query, (application,))).fetchall())


def fill(database_url: str, event_id: UUID, capacity: int, bookings: int) -> None:
    """Stores an event with this number of bookings of one seat, in bulk."""
    line = (e.Line(1, "General", 1, 5_000),)
    event = msgspec.structs.replace(s.scheduled(Category(1, "General", 5_000, capacity)), command=event_id)
    booked = e.SeatsBooked(**s.stamp(), customer_id=ALICE.id, lines=line, details_version=1)
    entries = [event, *(msgspec.structs.replace(booked, command=UUID(int=number)) for number in range(1, bookings + 1))]
    copy(database_url, [e.RecordedEntry(event_id, version, entry) for version, entry in enumerate(entries, start=1)])


def copy(database_url: str, recorded: list[e.RecordedEntry]) -> None:
    """Stores entries in bulk, without the appender."""
    into = "COPY ledger_entries (originator_id, originator_version, topic, state, mac) FROM STDIN (FORMAT BINARY)"
    with psycopg.connect(database_url) as connection, connection.cursor().copy(into) as rows:
        rows.set_types(["uuid", "int8", "text", "bytea", "bytea"])
        for stored in recorded:
            row = stored.stream, stored.version, topic_of(stored.entry), encode(stored.entry)
            rows.write_row((*row, storage.MACS.compute(*row)))
