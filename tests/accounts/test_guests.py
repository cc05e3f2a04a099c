"""Guests: known to one API only, found by handle or number, with a bounded number of tokens."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from accounts.access import Access
from accounts.errors import WrongCredentials
from accounts.guests import DEFAULT_ORGANIZER, MAX_TOKENS, Guests, TooManyGuests, fixed_id
from accounts.passwords import Passwords
from ledger.keys import Keyring
from ledger.pool import make_pool
from ledger.settings import Settings


@pytest.fixture
async def access(settings: Settings) -> AsyncIterator[Access]:
    async with make_pool(settings) as pool:
        access = Access(settings, pool, key=Keyring.open(settings.keys, "accounts").newest[1], passwords=Passwords())
        async with access:
            yield access


@pytest.fixture
def guests(access: Access) -> Guests:
    return access.guests("shop")


async def test_a_handle_always_finds_the_same_guest(guests: Guests) -> None:
    first, *others = await asyncio.gather(*(guests.find_or_create("ann") for _ in range(5)))
    assert all(guest == first for guest in others)
    assert (first.handle, first.name) == ("ann", "ann")
    assert await guests.get(first.id) == first
    assert await guests.find_by_number(first.number) == first


async def test_an_id_does_not_tell_the_name(access: Access) -> None:
    """The ledger contains it for ever. It was derived from the name."""
    guests, fair = access.guests("event-booking"), access.guests("event-reservations")
    ann, bob = await guests.find_or_create("ann"), await fair.sign_up("bob", None, "pw")
    assert bob is not None
    for api, handle, guest in (("event-booking", "ann", ann), ("event-reservations", "bob", bob)):
        assert guest.id != fixed_id(api, handle)
        assert guest.id.version == 4


async def test_erased_guests_are_not_listed(access: Access, guests: Guests) -> None:
    ann, bob = await guests.create("ann"), await guests.create("bob")
    assert ann is not None
    await access.accounts.erase(ann.id)
    assert [guest async for page in guests.pages() for guest in page] == [bob]
    assert await guests.find_by_number(ann.number) is None
    erased = await guests.get(ann.id)
    assert erased is not None, "the ledger knows the id"
    assert erased.name == "erased"


async def test_guests_are_unknown_to_another_api(access: Access, guests: Guests) -> None:
    ann, other = await guests.find_or_create("ann"), access.guests("fair")
    assert await other.get(ann.id) is None
    assert await other.find_by_number(ann.number) is None
    assert (await other.find_or_create("ann")).id != ann.id
    await guests.sign_up("bob", "bob@example.test", "pw")
    with pytest.raises(WrongCredentials):
        await other.log_in("bob", "pw")
    assert await other.find_by_token(await guests.log_in("bob", "pw")) is None


async def test_a_handle_is_taken_once(guests: Guests) -> None:
    await guests.find_or_create("ann")
    assert await guests.sign_up("ann", "ann@example.test", "pw") is None
    with pytest.raises(WrongCredentials):  # this guest has no password
        await guests.log_in("ann", "")


async def test_the_default_organizer_is_not_listed(guests: Guests) -> None:
    organizer = await guests.find_or_create(DEFAULT_ORGANIZER)
    assert organizer.id == guests.default_organizer_id
    made = [await guests.create(name, role="customer") for name in ("b", "a", "b")]
    assert [guest async for page in guests.pages() for guest in page] == made


async def test_guests_are_listed_in_pages_and_bounded(guests: Guests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.guests.PAGE", 2)
    monkeypatch.setattr("accounts.guests.MAX_WITHOUT_HANDLE", 5)
    made = [await guests.create(name) for name in "abcde"]
    pages = [page async for page in guests.pages()]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [guest for page in pages for guest in page] == made
    with pytest.raises(TooManyGuests, match="There are 5 users already"):
        await guests.create("f")
    assert await guests.find_or_create("who has a handle") is not None


@pytest.mark.parametrize("number", [0, -1, 2**63, 10**40])
async def test_unknown_numbers_find_no_guest(guests: Guests, number: int) -> None:
    assert await guests.find_by_number(number) is None


async def test_the_oldest_of_too_many_tokens_is_deleted(guests: Guests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.guests.MAX_TOKENS", 3)
    assert MAX_TOKENS > 3
    bob = await guests.sign_up("bob", "bob@example.test", "pw")
    tokens = [await guests.log_in("bob", "pw") for _ in range(4)]
    assert [await guests.find_by_token(token) for token in tokens] == [None, bob, bob, bob]
