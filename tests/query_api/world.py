"""A ledger with events and bookings in it, made by commands and projected, and the read side's routes over it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import psycopg
from fastapi import FastAPI
from sqlalchemy import NullPool, create_engine
from starlette.datastructures import Headers
from starlette.types import Scope

from accounts.tokens import Principal
from app import problems
from ledger.commands import Actor, BookSeats, CancelBooking, CancelEvent, Command, Role, ScheduleEvent, WantedSeats
from ledger.decide import decide
from ledger.details import Category, Details
from ledger.entries import RecordedEntry
from ledger.event import Event
from ledger.evolve import evolve
from ledger.keys import Keyring
from ledger.macs import MacCheck
from ledger.pool import make_pool
from ledger.settings import Settings
from ledger.store import Ledger, sqlalchemy_url
from ledger.streams import Streams
from ledger.ticket_codes import TicketCodes
from projections.engine import catch_up
from projections.proof.log_keys import LogKeys
from projections.registry import PROJECTORS
from query_api.read_side import ReadSide
from query_api.routes import routers
from seatledger_verify import Key
from tests.ledger import storage

CODES = TicketCodes(Keyring({1: b"k" * 32}))
NOW = datetime.now(UTC).replace(microsecond=0)

#: Projects and signs, as a worker does.
Sign = Callable[[], None]


class Person(Actor, frozen=True):
    id: UUID


ADMIN = Person(uuid4(), Role.ADMIN)
ORGANIZER, OTHER = Person(uuid4(), Role.ORGANIZER), Person(uuid4(), Role.ORGANIZER)
ALICE, BOB = Person(uuid4(), Role.CUSTOMER), Person(uuid4(), Role.CUSTOMER)
AUDITOR = Person(uuid4(), Role.AUDITOR)


class World:
    def __init__(self, database_url: str) -> None:
        self.url = database_url
        self.ledger = Ledger(database_url, storage.MACS)
        self.engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
        self.events: dict[UUID, Event] = {}
        self.story: list[RecordedEntry] = []
        self.position = 0

    def close(self) -> None:
        self.ledger.close()
        self.engine.dispose()

    def do(self, command: Command, at: datetime = NOW) -> UUID:
        """Carries the command out, at that time, and returns its id."""
        event = self.events.get(command.event_id)
        first = event.version + 1 if event else 1
        made = [RecordedEntry(command.event_id, first + index, entry) for index, entry in enumerate(decide(event, command, at))]
        for unplaced, position in zip(made, storage.append(self.ledger, made), strict=True):
            self.position = position
            recorded = RecordedEntry(unplaced.stream, unplaced.version, unplaced.entry, position)
            self.story.append(recorded)
            self.events[command.event_id] = event = evolve(event, recorded)
        return command.id

    def project(self, *names: str) -> None:
        for name in names or PROJECTORS:
            catch_up(self.engine, self.ledger, PROJECTORS[name])

    def schedule(self, name: str = "Concert", *, by: Actor = ORGANIZER, at: datetime = NOW, **about: Any) -> UUID:
        categories = about.pop("categories", [("General", 5000, 100), ("VIP", 12_000, 10)])
        currency = about.pop("currency", "EUR")
        pools = about.pop("pools", ())
        details = Details(name=name, starts_at=about.pop("starts_at", NOW + timedelta(days=30)), **about)
        numbered = tuple(Category(number, *category) for number, category in enumerate(categories, 1))
        event_id = uuid4()
        command = ScheduleEvent(
            id=event_id, actor=by, event_id=event_id, details=details, currency=currency, categories=numbered, pools=pools
        )
        return self.do(command, at)

    def book(self, event_id: UUID, by: Actor = ALICE, at: datetime = NOW, **tickets: int) -> UUID:
        wanted = tuple(WantedSeats(category, quantity) for category, quantity in (tickets or {"General": 1}).items())
        return self.do(BookSeats(id=uuid4(), actor=by, event_id=event_id, tickets=wanted), at)

    def cancel_booking(self, event_id: UUID, booking_id: UUID, *tickets: int, at: datetime = NOW) -> None:
        command = CancelBooking(id=uuid4(), actor=ADMIN, event_id=event_id, booking_id=booking_id, tickets=tickets or None)
        self.do(command, at)

    def cancel_event(self, event_id: UUID, at: datetime = NOW) -> None:
        self.do(CancelEvent(id=uuid4(), actor=ADMIN, event_id=event_id), at)

    def sql(self, statement: str, *parameters: Any) -> list[Any]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(cast(Any, statement), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def sign_up(self, actor: Actor, name: str, email: str | None) -> None:
        self.sql("INSERT INTO accounts (id, name, email, role) VALUES (%s, %s, %s, %s)", actor.id, name, email, actor.role)


class HeaderAccess:
    """Trusts the account that the request names."""

    async def principal_of(self, scope: Scope) -> Principal | None:
        account_id, _, role = Headers(scope=scope).get("x-actor", "").partition(" ")
        return Principal(UUID(account_id), Role(role), b"", 0.0) if role else None


class Api:
    """The routes over the read side, without a network."""

    def __init__(self, app: FastAPI, side: ReadSide) -> None:
        self.app, self.side = app, side
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")

    async def get(
        self, path: str, actor: Actor | None = None, headers: dict[str, str] | None = None, **params: Any
    ) -> httpx.Response:
        identity = {"X-Actor": f"{actor.id} {actor.role}"} if actor else {}
        query = {name.removesuffix("_"): value for name, value in params.items() if value is not None}
        return await self._client.get(path, params=query or None, headers=identity | (headers or {}))

    async def items(self, path: str, actor: Actor | None = None, **params: Any) -> list[Any]:
        response = await self.get(path, actor, **params)
        assert response.status_code == 200, response.text
        return list(response.json()["items"])

    async def every_page(self, path: str, actor: Actor | None = None, **params: Any) -> list[list[Any]]:
        pages: list[list[Any]] = []
        cursor = None
        while cursor is not None or not pages:
            response = (await self.get(path, actor, cursor=cursor, **params)).json()
            pages.append(response["items"])
            cursor = response["next_cursor"]
            assert len(pages) < 100
        return pages

    async def close(self) -> None:
        await self._client.aclose()


class CountingCursor(psycopg.AsyncCursor[Any]):
    """Counts the statements of all cursors, and those that read events."""

    count = 0
    count_of_events = 0

    async def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        CountingCursor.count += 1
        CountingCursor.count_of_events += "catalogue_categories" in str(query)
        return await super().execute(query, *args, **kwargs)


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[Api]:
    app, pool = FastAPI(), make_pool(settings)
    cast(dict[str, Any], pool.kwargs)["cursor_factory"] = CountingCursor
    problems.install(app)
    for router in routers():
        app.include_router(router)
    await pool.open(wait=True)

    async def last_seen_event(event_id: UUID) -> Event | None:
        return await Streams(pool, MacCheck(storage.MACS)).load(event_id)

    side = ReadSide(settings, pool, CODES, LogKeys.open(settings.keys), storage.MACS, last_seen_event)
    await side.start()
    app.state.access, app.state.read_side = HeaderAccess(), side
    api = Api(app, side)
    try:
        yield api
    finally:
        await api.close()
        await side.close()
        await pool.close()


async def key_of(api: Api) -> Key:
    return Key.parse((await api.get("/api/audit/checkpoint")).json()["verifier_key"])
