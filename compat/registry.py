"""All five, by the names that the setting COMPAT_APIS takes. Each is mounted at `/compat/<name>`."""

from collections.abc import Callable

from fastapi import FastAPI

from compat import event_booking, event_management, event_reservations, event_ticketing, ticketing_platform
from compat.application import PREFIX
from ledger.settings import Settings

APPLICATIONS: dict[str, Callable[[Settings], FastAPI]] = {
    module.API: module.make for module in (event_booking, event_ticketing, ticketing_platform, event_management, event_reservations)
}


def mount(app: FastAPI, settings: Settings) -> None:
    """Those that the settings name."""
    for name in settings.compat:
        application = APPLICATIONS[name](settings)
        application.state.whole = app.state
        app.mount(f"{PREFIX}/{name}", application)
