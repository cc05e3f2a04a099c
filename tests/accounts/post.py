"""The mails about accounts, and the requests with their links."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from sqlalchemy import Engine, NullPool, create_engine, text

from ledger.store import sqlalchemy_url
from notifications.mail.facts import Addressed, Facts, Subject
from notifications.mail.letters import LinkLetter

Person = Callable[..., Awaitable[dict[str, Any]]]
NEW = "correct horse battery 2"


class Post:
    """The mails that are due, as a worker makes them."""

    def __init__(self, url: str, facts: Facts) -> None:
        self.engine: Engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
        self.facts = facts

    def execute(self, statement: str, **values: Any) -> list[Any]:
        with self.engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    def kinds(self) -> list[str]:
        return [kind for (kind,) in self.execute("SELECT kind FROM outbox WHERE state = 'due' ORDER BY number")]

    def last(self, kind: str) -> Addressed:
        rows = self.execute(
            "SELECT kind, recipient_id, event_id, booking_id, details FROM outbox WHERE kind = :kind ORDER BY number DESC LIMIT 1",
            kind=kind,
        )
        with self.engine.connect() as connection:
            return self.facts.letter(connection, Subject(*rows[0]))

    def token(self, purpose: str) -> str:
        letter = self.last(purpose).letter
        assert isinstance(letter, LinkLetter)
        page, token = letter.url.split("#")
        assert page == f"https://seats.test/{purpose}"
        return token

    def clear(self) -> None:
        self.execute("DELETE FROM outbox")


async def log_in(client: httpx.AsyncClient, email: str, password: str) -> int:
    return (await client.post("/api/login", json={"email": email, "password": password})).status_code


async def refused(client: httpx.AsyncClient, path: str, *, headers: dict[str, str] | None = None, **body: str) -> tuple[int, str]:
    response = await client.post(path, json=body, headers=headers)
    return response.status_code, response.json()["type"].removeprefix("/problems/")
