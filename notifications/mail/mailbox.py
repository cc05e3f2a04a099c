"""The demo's mailbox: mails as they would arrive, which go nowhere else. The newest KEPT stay."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import UUID

from sqlalchemy import Engine, text

from notifications.mail.facts import Recipient
from notifications.mail.letters import Mail
from notifications.mail.message import compose

KEPT = 200
SENDER = "Seatledger <tickets@seatledger.test>"

_PUT = text("""
    INSERT INTO mailbox (id, content, recipient, subject) VALUES (:id, :content, :recipient, :subject)
    ON CONFLICT (id) DO UPDATE SET received_at = clock_timestamp(), content = excluded.content,
        recipient = excluded.recipient, subject = excluded.subject""")
_PRUNE = text("""
    DELETE FROM mailbox WHERE received_at < (SELECT received_at FROM mailbox ORDER BY received_at DESC OFFSET :kept LIMIT 1)""")


class Mailbox:
    def __init__(self, engine: Engine, sender: str) -> None:
        self._engine, self._sender = engine, sender or SENDER

    def send(self, id_: UUID, recipient: Recipient, mail: Mail) -> None:
        """Raises Refused."""
        composed = compose(id_, self._sender, recipient, mail)
        values = {
            "id": id_,
            "content": composed.content,
            "recipient": recipient.address,
            "subject": mail.subject,
        }
        with self._engine.begin() as connection:
            connection.execute(_PUT, values)
            connection.execute(_PRUNE, {"kept": KEPT - 1})

    def close(self) -> None:
        """It holds nothing."""


def read(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=policy.default)
