"""The composition root: one FastAPI application from all the rooms. `python -m app` serves it, or `uvicorn app.main:app`.

Nothing is built at import: `bootstrap` builds everything from `Settings`, the application's lifespan opens and closes it.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.types import ASGIApp, Receive, Scope, Send

import accounts.routes
import commands.routes
import compat.registry
from accounts.access import Access
from app import VERSION, about, openapi, probes, problems, static_site
from app.fast_path.booking_route import HotRoute
from app.middleware import Edge
from commands.appender import Appender
from commands.desk import Desk
from commands.routes import WriteSide
from compat import documentation
from ledger import collector
from ledger.keys import Keyring
from ledger.macs import Macs
from ledger.pool import make_pool
from ledger.recorder import LedgerConnection
from ledger.settings import Settings, SettingsError
from ledger.streams import Streams
from ledger.ticket_codes import TicketCodes
from projections.proof.log_keys import LogKeys
from projections.wake_ups import WakeUpSender
from query_api import audit, bookings, events, live, proofs, stats, system
from query_api.read_side import ReadSide

TITLE = "Seatledger"
LOAD_CONNECTIONS = 4
DESCRIPTION = "Event booking on an immutable ledger: never one seat twice, and every number can be derived again."


def _now() -> datetime:
    return datetime.now(UTC)


def bootstrap(
    settings: Settings | None = None,
    *,
    clock: Callable[[], datetime] = _now,
    wake_up_sender: Callable[[Settings], WakeUpSender] = WakeUpSender,
) -> FastAPI:
    """The application, not yet connected to anything. Raises SettingsError, KeysError."""
    settings = settings or Settings.from_env()
    if not settings.database_url or not settings.redis_url:
        raise SettingsError("The API needs DATABASE_URL and REDIS_URL, or a running `make run`, whose servers are then used.")
    lifespan = partial(_lifespan, settings, clock, wake_up_sender)
    if settings.specification:
        alone = compat.registry.alone(settings, lifespan)
        alone.add_middleware(Edge, alone=True)
        return alone
    app = FastAPIOffline(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        servers=[{"url": settings.server_url}],
        redirect_slashes=False,
        lifespan=lifespan,
    )
    for room in (events, bookings, commands.routes, accounts.routes, stats, audit, proofs, live, system, about, probes):
        app.router.routes.extend(room.router.routes)  # not include_router, whose matching takes a fifth of a read's time
    problems.install(app)
    compat.registry.mount(app, settings)
    static_site.install(app)
    app.add_middleware(Edge)
    openapi.install(app)
    documentation.prepare(app, settings)
    return app


@asynccontextmanager
async def _lifespan(
    settings: Settings, clock: Callable[[], datetime], wake_up_sender: Callable[[Settings], WakeUpSender], app: FastAPI
) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(make_pool(settings))
        codes, macs = TicketCodes(Keyring.open(settings.keys, "tickets")), Macs.open(settings.keys)
        read_side = ReadSide(settings, pool, codes, LogKeys.open(settings.keys), macs)
        await read_side.start()
        stack.push_async_callback(read_side.close)
        key = Keyring.open(settings.keys, "accounts").newest[1]
        access = Access(settings, pool, key=key, obligations=read_side.obligations)
        await stack.enter_async_context(access)
        wake_ups = wake_up_sender(settings)
        wake_ups.start()
        wake_ups.wake()  # of what was appended last before a stop, and not projected any more
        stack.callback(wake_ups.close)
        # Of their own: readers may keep all of the others busy, and Events that are not in memory have to come in all the same.
        streams = Streams(await stack.enter_async_context(make_pool(settings, size=LOAD_CONNECTIONS)))
        appender = Appender(
            connect=partial(LedgerConnection.connect, settings.database_url, macs),
            streams=streams,
            clock=clock,
            appended=lambda position: wake_ups.wake(),
            queue_limit=settings.command_queue_limit,
            batch_limit=settings.command_batch_limit,
            timeout_seconds=settings.command_timeout_seconds,
            cache_bytes=settings.event_cache_bytes,
        )
        await appender.start()
        stack.push_async_callback(appender.close)

        desk = Desk(appender, streams, codes)
        app.state.access, app.state.read_side, app.state.settings = access, read_side, settings
        app.state.write_side = WriteSide(
            desk, currency=settings.currency, locate=read_side.locate, customer=access.directory.find_or_make_customer, key=key
        )
        app.state.probes = probes.Probes(pool, appender, read_side)
        collector.tune()
        yield


def served(settings: Settings) -> ASGIApp:
    """What a server is given: the application, and the hot route before it. Raises SettingsError."""
    app = bootstrap(settings)
    return app if settings.specification else HotRoute(app)


class _Application:
    """`app` below, made when a server starts it, of the environment and a running `make run`: nothing is built at import."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            try:
                self._app = served(Settings.of_running())
            except SettingsError as error:
                if scope["type"] != "lifespan":
                    raise
                await receive()
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
        await self._app(scope, receive, send)


#: For `uvicorn app.main:app`.
app = _Application()
