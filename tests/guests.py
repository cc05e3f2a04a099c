"""People who book without an account: their clients, and the codes that they would find in their mail."""

import secrets

import httpx
import psycopg

from ledger.keys import Keyring
from ledger.mail_tokens import MailTokens
from ledger.outbox import CONTACT_CODE
from ledger.settings import Settings
from tests.running_system import JSON, tickets

#: An API process with these takes orders for mail; nobody sends it.
MAIL = {"MAIL_URL": "smtp://127.0.0.1:9", "MAIL_FROM": "tickets@example.test"}


class Guest:
    """A program without an account, which has a secret of its own."""

    def __init__(self) -> None:
        self.secret = secrets.token_urlsafe(32)

    def at(self, url: str) -> httpx.Client:
        return httpx.Client(base_url=url, headers={"Guest-Secret": self.secret}, timeout=30)


def booking(email: str, quantity: int = 1, **more: str) -> JSON:
    """The body of a guest's booking."""
    return {**tickets(quantity), "contact": {"name": "A Guest", "email": email}, **more}


def mailed_code(settings: Settings, email: str) -> str:
    """The code of the newest mail to this address."""
    with psycopg.connect(settings.database_url) as connection:
        row = connection.execute(
            "SELECT id, issue FROM contact_codes WHERE email = %s ORDER BY created_at DESC LIMIT 1", (email,)
        ).fetchone()
    assert row is not None, "no code was asked for"
    return MailTokens(Keyring.open(settings.keys, "mail")).code(CONTACT_CODE, *row)


def proof_for(http: httpx.Client, settings: Settings, email: str) -> str:
    """A proof of this address, for this client."""
    assert http.post("/api/contacts/verify", json={"email": email}).status_code == 202
    answer = http.post("/api/contacts/confirm", json={"email": email, "code": mailed_code(settings, email)})
    assert answer.status_code == 200, answer.text
    proof: str = answer.json()["proof"]
    return proof
