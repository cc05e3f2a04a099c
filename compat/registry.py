"""The five applications, by the names that the settings COMPAT_APIS and SPECIFICATION take. Each is mounted at `/compat/<name>`, or
served by itself at the root of a port."""

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI
from starlette.responses import RedirectResponse
from starlette.routing import Mount

from compat import event_booking, event_management, event_reservations, event_ticketing, ticketing_platform
from compat.application import PREFIX
from ledger.settings import Settings

APPLICATIONS: dict[str, Callable[[Settings], FastAPI]] = {
    module.API: module.make for module in (event_booking, event_ticketing, ticketing_platform, event_management, event_reservations)
}


Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def make_standalone(settings: Settings, lifespan: Lifespan) -> FastAPI:
    """The application that the setting SPECIFICATION names, served at the root. Its shared state is its own."""
    app = APPLICATIONS[settings.specification](settings)
    app.state.shared = app.state
    app.router.lifespan_context = lifespan
    app.add_api_route("/", lambda: RedirectResponse("/docs"), include_in_schema=False)
    return app


def mount(app: FastAPI, settings: Settings) -> None:
    """Mounts the applications that the setting COMPAT_APIS names."""
    for name in settings.compat:
        application = APPLICATIONS[name](settings)
        application.state.shared = app.state
        mounted = Mount(f"{PREFIX}/{name}", application)
        # Also where an id has a line break: what is there responds in its own format.
        mounted.path_regex = re.compile(mounted.path_regex.pattern, re.DOTALL)
        app.router.routes.append(mounted)
