"""The secrets of webhooks, sealed in the database."""

from uuid import UUID

from ledger.keys import Keyring
from ledger.sealing import Sealer
from ledger.settings import Settings
from ledger.webhooks import WEBHOOKS
from notifications.webhooks.signing import new_secret


class WebhookSecrets:
    def __init__(self, settings: Settings) -> None:
        """Raises KeysError."""
        self._sealer = Sealer(Keyring.open(settings.keys, WEBHOOKS).newest_first)

    def new(self, webhook_id: UUID) -> tuple[str, bytes]:
        """A new secret, and as it is stored."""
        secret = new_secret()
        return secret, self._sealer.seal(webhook_id.bytes, secret.encode())

    def open(self, webhook_id: UUID, sealed: bytes) -> str:
        """Raises Unsealable."""
        return self._sealer.open(webhook_id.bytes, sealed).decode()
