"""Fixtures of the tests of mails to customers, on the running system."""

from collections.abc import Iterator

import httpx
import pytest

from tests.running_system import Person, Stack
from tests.system.box_office import Counter


@pytest.fixture
def counter(stack: Stack, organizer: Person) -> Counter:
    return Counter(stack, organizer)


@pytest.fixture(scope="module")
def mailing(stack: Stack) -> Iterator[httpx.Client]:
    """An API process of an installation that sends mail. No worker delivers it."""
    with (
        stack.another_api(MAIL_URL="smtp://127.0.0.1:9", MAIL_FROM="tickets@seats.test") as url,
        httpx.Client(base_url=url) as client,
    ):
        yield client
