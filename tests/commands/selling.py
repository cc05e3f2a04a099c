"""The write side of one API process on a real PostgreSQL, and what the tests ask of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg

from commands.appender.appender import Appender
from commands.appender.batch import AcceptedCommand, RepeatedCommand
from ledger import entries as e
from ledger.commands import Actor, BookSeats, CancelBooking, CancelEvent, CheckIn, Command, ScheduleEvent
from ledger.entries import topic_of
from ledger.errors import RetryableError
from ledger.mapper import decode, encode
from ledger.pool import make_pool
from ledger.recorder import ORDERING_LOCK, LedgerConnection
from ledger.settings import Settings
from ledger.streams import Streams
from tests.ledger import scenario as s

ALICE, BOB, ORGANIZER = s.ALICE, s.BOB, s.ORGANIZER


@asynccontextmanager
async def an_appender(
    database_url: str, connect: Callable[[], Awaitable[LedgerConnection]] | None = None, **bounds: Any
) -> AsyncIterator[Appender]:
    """As one API process has it, at the time of the examples."""

    async def directly() -> LedgerConnection:
        return await LedgerConnection.connect(database_url, s.MACS)

    async with make_pool(Settings(database_url=database_url)) as pool:
        await pool.wait()
        appender = Appender(connect=connect or directly, streams=Streams(pool), clock=lambda: s.NOW, **bounds)
        await appender.start()
        try:
            yield appender
        finally:
            await appender.close()


# --- commands


def schedule(capacity: int = 10, limit: int | None = None, name: str = "General") -> ScheduleEvent:
    command = s.schedule(e.Category(1, name, 5_000, capacity), max_tickets_per_customer=limit)
    return msgspec.structs.replace(command, event_id=command.id)


async def scheduled(appender: Appender, capacity: int = 10, limit: int | None = None) -> UUID:
    """The id of a new event."""
    command = schedule(capacity, limit)
    await appender.submit(command)
    return command.event_id


def book(event_id: UUID, who: Actor = ALICE, quantity: int = 1, id_: UUID | None = None) -> BookSeats:
    return msgspec.structs.replace(s.book(who, General=quantity), event_id=event_id, id=id_ or uuid4())


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
    """What comes of commands that are sent at once."""
    return await answers(send(appender, *commands))


def count(kind: type, found: Iterable[Any]) -> int:
    return sum(type(one) is kind for one in found)


async def insist(appender: Appender, command: Command) -> tuple[AcceptedCommand | RepeatedCommand, int]:
    """As a good client does: the same command again until it is known what came of it; and how often that took."""
    for tries in range(1, 100):
        try:
            return await appender.submit(command), tries
        except RetryableError:
            await asyncio.sleep(0.05)
    raise AssertionError("a hundred tries led nowhere")


# --- the database, past the appender


async def stream_of(database_url: str, event_id: UUID) -> list[e.RecordedEntry]:
    """As the rows have it."""
    query = "SELECT originator_version, topic, state, notification_id FROM ledger_entries WHERE originator_id = %s ORDER BY 1"
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        rows = await (await connection.execute(query, (event_id,), binary=True)).fetchall()
    return [e.RecordedEntry(event_id, version, decode(topic, state), position) for version, topic, state, position in rows]


async def bookings_of(database_url: str, event_id: UUID) -> list[UUID]:
    """In order; each once, or the ledger is wrong."""
    recorded = await stream_of(database_url, event_id)
    assert [one.version for one in recorded] == list(range(1, len(recorded) + 1))
    found = [one.entry.command for one in recorded if isinstance(one.entry, e.SeatsBooked)]
    assert len(found) == len(set(found))
    return found


@asynccontextmanager
async def appends_held_up(database_url: str) -> AsyncIterator[None]:
    """Nobody can append meanwhile: somebody else holds the ordering lock."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (ORDERING_LOCK,))
        yield


async def somebody_waits(database_url: str, how_many: int = 1) -> None:
    """Returns once so many appends stand before the ordering lock."""
    query = """
        SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
        WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection, asyncio.timeout(10):
        while (await (await connection.execute(query)).fetchone() or (0,))[0] < how_many:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.005)


async def cut_connections(database_url: str, application: str = "seatledger-appender") -> int:
    """As a restart of the database does; returns how many there were."""
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()"
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        return len(await (await connection.execute(query, (application,))).fetchall())


def fill(database_url: str, event_id: UUID, capacity: int, bookings: int) -> None:
    """An event with so many bookings of one seat, as they might have been recorded over the weeks: in bulk."""
    line = (e.Line(1, "General", 1, 5_000),)
    event = msgspec.structs.replace(s.scheduled(e.Category(1, "General", 5_000, capacity)), command=event_id)
    booked = e.SeatsBooked(**s.stamp(), customer_id=ALICE.id, lines=line, details_version=1)
    entries = [event, *(msgspec.structs.replace(booked, command=UUID(int=number)) for number in range(1, bookings + 1))]
    copy(database_url, [e.RecordedEntry(event_id, version, entry) for version, entry in enumerate(entries, start=1)])


def copy(database_url: str, recorded: list[e.RecordedEntry]) -> None:
    """Past everybody, in bulk."""
    into = "COPY ledger_entries (originator_id, originator_version, topic, state) FROM STDIN (FORMAT BINARY)"
    with psycopg.connect(database_url) as connection, connection.cursor().copy(into) as rows:
        rows.set_types(["uuid", "int8", "text", "bytea"])
        for one in recorded:
            rows.write_row((one.stream, one.version, topic_of(one.entry), encode(one.entry)))
