"""The payment providers of this installation."""

from collections.abc import Mapping

from sqlalchemy import Engine

from ledger.details import OnlineMethod
from ledger.keys import Keyring
from ledger.settings import Settings
from providers.demo import DemoProvider
from providers.interface import Provider


def open_providers(settings: Settings, engine: Engine) -> Mapping[OnlineMethod, Provider]:
    """By method. The demo's takes no money, and so exists in the demo alone. Raises KeysError."""
    providers: dict[OnlineMethod, Provider] = {}
    if settings.stripe_api_key:
        from providers.stripe import StripeProvider  # noqa: PLC0415 - it is large

        providers["stripe"] = StripeProvider(engine, settings)
    if settings.demo:
        providers["demo"] = demo_provider(settings, engine)
    return providers


def demo_provider(settings: Settings, engine: Engine) -> DemoProvider:
    return DemoProvider(engine, Keyring.open(settings.keys, "accounts").newest_first[0])
