# flake8: noqa

__all__ = [
    "AccountsApi",
    "AuditApi",
    "BookingsApi",
    "EventsApi",
    "LiveApi",
    "NotificationsApi",
    "PaymentsApi",
    "StatsApi",
    "SystemApi",
    "TicketsApi",
]

import typing as _typing

if _typing.TYPE_CHECKING:
    # import apis into api package
    from event_sdk.api.accounts_api import AccountsApi
    from event_sdk.api.audit_api import AuditApi
    from event_sdk.api.bookings_api import BookingsApi
    from event_sdk.api.events_api import EventsApi
    from event_sdk.api.live_api import LiveApi
    from event_sdk.api.notifications_api import NotificationsApi
    from event_sdk.api.payments_api import PaymentsApi
    from event_sdk.api.stats_api import StatsApi
    from event_sdk.api.system_api import SystemApi
    from event_sdk.api.tickets_api import TicketsApi
    
else:
    from importlib import import_module

    _exports = {
        "AccountsApi": ".accounts_api",
        "AuditApi": ".audit_api",
        "BookingsApi": ".bookings_api",
        "EventsApi": ".events_api",
        "LiveApi": ".live_api",
        "NotificationsApi": ".notifications_api",
        "PaymentsApi": ".payments_api",
        "StatsApi": ".stats_api",
        "SystemApi": ".system_api",
        "TicketsApi": ".tickets_api",
    }

    def __getattr__(name: str) -> object:
        if (module_name := _exports.get(name)) is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(module_name, __name__), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted(globals().keys() | _exports.keys())
