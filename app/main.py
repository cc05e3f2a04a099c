"""The composition root: builds one FastAPI application from all packages. `python -m app` serves it, or `uvicorn app.main:app`.

Importing opens no connection and builds no application: `bootstrap` builds it from `Settings`, its lifespan opens and closes its
resources.
"""

from collections.abc import Callable
from functools import partial

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.types import ASGIApp, Receive, Scope, Send

import accounts.contact_routes
import accounts.link_routes
import accounts.routes
import accounts.session_routes
import accounts.trail_routes
import commands.code_routes
import commands.hold_routes
import commands.payment_routes
import commands.provider_routes
import commands.routes
import compat.registry
import notifications.announcement_routes
import notifications.mailbox_routes
import notifications.manage_routes
import notifications.resending_routes
import notifications.unsubscribe_routes
import notifications.webhooks.routes
import query_api.routes
from app import VERSION, about, lifespan, openapi, probes, problems, static_site, tracing
from app.draining import Draining
from app.fast_path.command_routes import CommandFastPath
from app.fast_path.fair_reads import FairReads
from app.fast_path.public_reads import PublicReadFastPath
from app.middleware import OutermostMiddleware
from app.observation import RequestObserver
from compat import documentation
from ledger.client_limits import RateLimiter
from ledger.settings import Settings, SettingsError
from projections.wake_ups import WakeUpSender

TITLE = "Seatledger"
DESCRIPTION = "Event booking on an immutable ledger: never one seat twice, and every number can be derived again."


def bootstrap(
    settings: Settings | None = None,
    *,
    wake_up_sender: Callable[[Settings], WakeUpSender] = WakeUpSender,
    draining: Draining | None = None,
) -> FastAPI:
    """Builds the application, without opening any connection. Raises SettingsError, KeysError."""
    settings = settings or Settings.from_env()
    if not settings.database_url or not settings.redis_url:
        raise SettingsError("The API needs DATABASE_URL and REDIS_URL, or a running `make run`, whose servers are then used.")
    open_and_close = partial(lifespan.run, settings, wake_up_sender, draining or Draining())
    if settings.specification:
        standalone = compat.registry.make_standalone(settings, open_and_close)
        return _observed(standalone, settings)
    app = FastAPIOffline(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        servers=[{"url": settings.server_url}],
        redirect_slashes=False,
        lifespan=open_and_close,
        telemetry=tracing.CONFIG,
    )
    account_routers = (
        accounts.routes.router, accounts.contact_routes.router, accounts.session_routes.router, accounts.link_routes.router,
        accounts.trail_routes.router,
    )  # fmt: skip
    notification_routers = (
        notifications.mailbox_routes.router, notifications.manage_routes.router, notifications.resending_routes.router,
        notifications.webhooks.routes.router, notifications.announcement_routes.router, notifications.unsubscribe_routes.router,
    )  # fmt: skip
    routed = (commands.routes, commands.hold_routes, commands.code_routes, commands.payment_routes, commands.provider_routes)
    command_routers = [module.router for module in routed]
    routers = (*query_api.routes.routers(), *command_routers, *account_routers, *notification_routers)
    for router in (*routers, about.router, probes.router):
        app.router.routes.extend(router.routes)  # include_router would make matching a fifth of a query's time
    problems.install(app)
    compat.registry.mount(app, settings)
    static_site.install(app, settings)
    openapi.install(app)
    documentation.prepare(app, settings)
    return _observed(app, settings)


def _observed(app: FastAPI, settings: Settings) -> FastAPI:
    app.state.observer = observer = RequestObserver(access_log=settings.access_log)
    app.state.address_limiter = address_limiter = RateLimiter(settings.commands_per_minute_address)
    app.middleware_stack = OutermostMiddleware(
        app.build_middleware_stack(),
        observer,
        address_limiter,
        seconds=settings.request_seconds,
        standalone=bool(settings.specification),
    )
    return app


def server_app(settings: Settings, draining: Draining | None = None) -> ASGIApp:
    """The ASGI application for a server: `bootstrap`'s, with the fast paths and the turns of reads in front of it. Raises
    SettingsError."""
    app = bootstrap(settings, draining=draining)
    if settings.specification:
        return FairReads(app, app, settings.request_seconds)
    reads = FairReads(PublicReadFastPath(app, app), app, settings.request_seconds)
    return CommandFastPath(reads, app, settings.request_seconds)


class _LazyApplication:
    """Builds the application when a server starts it, from the environment and a running `make run`, not at import."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            try:
                self._app = server_app(Settings.of_running())
            except SettingsError as error:
                if scope["type"] != "lifespan":
                    raise
                await receive()
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
        await self._app(scope, receive, send)


#: For `uvicorn app.main:app`.
app = _LazyApplication()
