"""A box office that sells to people by e-mail, and the links that they get."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg

from ledger.keys import Keyring
from ledger.mail_tokens import MailTokens
from notifications.manage_urls import ManageUrls
from tests.running_system import JSON, Person, Stack, tickets


class Counter:
    """A box office that sells to people by e-mail, and their links."""

    def __init__(self, stack: Stack, organizer: Person) -> None:
        self.stack, self.organizer = stack, organizer
        self.tokens = MailTokens(Keyring.open(stack.settings.keys, "mail"))
        self.event = stack.event(organizer, max_tickets_per_customer=4, ends_at="2031-05-01T22:00:00Z")

    def sell(self, email: str, quantity: int = 1, event: JSON | None = None) -> JSON:
        body = {**tickets(quantity), "customer": {"name": "Wanda Walkin", "email": email}}
        sold: JSON = self.organizer.ok("POST", f"/api/events/{(event or self.event)['id']}/bookings", body)
        return sold

    def token(self, booking: JSON, issue: int = 0) -> str:
        return ManageUrls("", self.tokens).make(UUID(booking["id"]), issue).partition("#")[2]

    def bearer(self, booking: JSON, issue: int = 0) -> Person:
        """Whoever has the link. Like every client, they see what was done before."""
        bearer = Person(self.stack.http, token=self.token(booking, issue))
        bearer.last = self.organizer.last
        return bearer

    def sql(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.stack.settings.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def prove(self, person: Person) -> int:
        self.sql("UPDATE accounts SET email_proven_at = now() WHERE id = %s", person.id)
        return int(person.ok("POST", "/api/me/claims")["claimed"])


def an_address() -> str:
    return f"{uuid4().hex[:12]}@example.test"


def problem(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    return response.status_code, response.json()["type"].rpartition("/")[2]
