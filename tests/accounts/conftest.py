"""Accounts without the other packages: their routes, and signed-in accounts."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool

from accounts import link_routes, routes, session_routes, trail_routes
from accounts.access import Access
from accounts.account_rows import NewAccount
from accounts.database import Pool
from accounts.passwords import Passwords
from app import problems
from ledger.commands import Role
from ledger.keys import Keyring
from ledger.mail_tokens import MailTokens
from ledger.settings import Settings
from ledger.ticket_codes import TicketCodes
from notifications.mail.facts import Facts
from tests.accounts.post import Post
from tests.quick_people import quick_passwords

KEY = bytes(range(32))
MAIL_TOKENS = MailTokens(Keyring({1: KEY}))
PASSWORD = "correct horse battery"


def make_app(access: Access) -> FastAPI:
    app = FastAPI()
    for module in (routes, session_routes, link_routes, trail_routes):
        app.include_router(module.router)
    problems.install(app)
    app.state.access = access
    return app


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with AsyncConnectionPool(database_url, kwargs={"autocommit": True}, min_size=2, max_size=10, open=False) as pool:
        yield pool


@pytest.fixture(name="quick_passwords")
def _quick_passwords() -> Passwords:
    return quick_passwords()


@pytest.fixture
async def processes(settings: Settings, pool: Pool, quick_passwords: Passwords) -> AsyncIterator[Callable[[], Awaitable[Access]]]:
    """Each call makes the accounts of one more API process."""
    async with AsyncExitStack() as stack:

        async def start() -> Access:
            made = Access(settings, pool, key=KEY, passwords=quick_passwords, mail_tokens=MAIL_TOKENS)
            return await stack.enter_async_context(made)

        yield start


@pytest.fixture
async def access(processes: Callable[[], Awaitable[Access]]) -> Access:
    return await processes()


@pytest.fixture
async def app(access: Access) -> FastAPI:
    return make_app(access)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


@pytest.fixture
def post(database_url: str) -> Iterator[Post]:
    post = Post(database_url, Facts("https://seats.test", TicketCodes(Keyring({1: KEY})), MAIL_TOKENS))
    post.execute("INSERT INTO subscriptions (name, position) VALUES ('mail', 0)")
    yield post
    post.engine.dispose()


@pytest.fixture
def person(access: Access) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Creates an account with a role and signs it in: `{"id", "email", "token", "headers"}`."""

    async def make(role: Role = Role.CUSTOMER, name: str = "") -> dict[str, Any]:
        name = name or role.value
        new = NewAccount(name=name, email=f"{name}@example.test", password=PASSWORD, role=role)
        account = await access.accounts.create_user(new, uuid4())
        session = await access.accounts.log_in(account.email, PASSWORD)
        headers = {"Authorization": f"Bearer {session.token}"}
        return {"id": account.id, "email": account.email, "token": session.token, "headers": headers}

    return make
