"""Who proves an address gets what was booked under it, whoever had an account with it before, and nobody else."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import psycopg
import pytest

from accounts import account_rows, claims, errors
from accounts.access import Access
from accounts.account_rows import Account, NewAccount
from accounts.database import Pool, transaction
from accounts.origin import Origin
from accounts.tokens import hash_of
from accounts.trail import AccountAction
from tests.accounts.conftest import PASSWORD

ADDRESS = "alice@example.test"
ORGANIZER, OTHER_ORGANIZER = uuid4(), uuid4()


class People:
    def __init__(self, access: Access, pool: Pool, database_url: str) -> None:
        self.access, self._pool, self._url = access, pool, database_url

    def sql(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self._url) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    async def sign_up(self, email: str = ADDRESS) -> Account:
        return await self.access.accounts.sign_up(NewAccount(name="Alice", email=email, password=PASSWORD))

    async def contact(self, email: str = ADDRESS, organizer: UUID = ORGANIZER) -> UUID:
        return (await self.access.directory.find_or_create_contact(organizer, "Typed Name", email)).id

    async def prove(self, account_id: UUID) -> int:
        """As a link that was mailed does, opened in a session. Returns the number of contacts that the account has claimed."""
        async with transaction(self._pool) as cursor:
            await account_rows.prove_email(cursor, account_id, Origin(account_id), keeps_access=True)
        return len(self.claimed_by(account_id))

    async def change_address(self, account_id: UUID, email: str) -> None:
        self.sql("UPDATE accounts SET email = %s, email_proven_at = NULL WHERE id = %s", email, account_id)

    def claimed_by(self, account_id: UUID) -> set[object]:
        return {id_ for (id_,) in self.sql("SELECT id FROM accounts WHERE claimed_by = %s", account_id)}


@pytest.fixture
def people(access: Access, pool: Pool, database_url: str) -> People:
    return People(access, pool, database_url)


async def test_claim_needs_a_proof(people: People) -> None:
    alice = await people.sign_up()
    contact = await people.contact()
    with pytest.raises(errors.AccountUnverified):
        await people.access.accounts.claim(alice.id)
    assert people.claimed_by(alice.id) == set()
    assert await people.contact() == contact


async def test_proof_claims_the_contacts_of_the_address(people: People) -> None:
    mine = {await people.contact(), await people.contact(organizer=OTHER_ORGANIZER)}
    await people.contact("bob@example.test")
    alice = await people.sign_up()
    assert await people.prove(alice.id) == 2
    assert people.claimed_by(alice.id) == mine
    assert await people.access.accounts.claim(alice.id) == 0
    trail, _ = await people.access.trail.page(alice.id, None, 50)
    assert [entry.action for entry in trail].count(AccountAction.CONTACTS_CLAIMED) == 1


async def test_only_the_account_that_proved_the_address_gets_the_contacts(people: People) -> None:
    """A stranger signs up first, and the box office sells to the address; then its owner takes the address over and proves it."""
    stranger = await people.sign_up()
    contact = await people.contact()
    await people.access.accounts.log_in(ADDRESS, PASSWORD)
    assert people.claimed_by(stranger.id) == set()
    await people.change_address(stranger.id, "stranger@example.test")
    alice = await people.sign_up()
    await people.prove(alice.id)
    assert people.claimed_by(alice.id) == {contact}


async def test_sale_to_a_proved_address_is_claimed_at_once(people: People) -> None:
    alice = await people.sign_up()
    await people.prove(alice.id)
    found = await people.access.directory.find_or_create_contact(ORGANIZER, "Typed Name", ADDRESS)
    assert people.claimed_by(alice.id) == {found.id}
    assert found.same_person == {alice.id, found.id}
    assert await people.contact() == found.id, "the next sale is to the same contact"


async def test_claimed_contact_is_not_found_for_who_has_the_address_later(people: People) -> None:
    alice = await people.sign_up()
    await people.prove(alice.id)
    hers = await people.contact()
    await people.change_address(alice.id, "moved@example.test")
    unclaimed = await people.contact()
    assert unclaimed != hers
    bob = await people.sign_up()
    await people.prove(bob.id)
    assert await people.contact() == unclaimed
    assert (people.claimed_by(alice.id), people.claimed_by(bob.id)) == ({hers}, {unclaimed})


async def test_log_in_claims_what_came_since(people: People) -> None:
    alice = await people.sign_up()
    await people.prove(alice.id)
    contact = uuid4()  # made without the box office
    people.sql("INSERT INTO accounts (id, name, contact_email, role) VALUES (%s, 'A', %s, 'customer')", contact, ADDRESS)
    session = await people.access.accounts.log_in(ADDRESS, PASSWORD)
    principal = await people.access.tokens.find(hash_of(session.token))
    assert principal is not None
    assert principal.claimed == {contact}
    assert principal.actor.claimed == {contact}


async def test_disabled_account_claims_nothing(people: People) -> None:
    alice = await people.sign_up()
    people.sql("UPDATE accounts SET email_proven_at = now(), disabled = true WHERE id = %s", alice.id)
    await people.contact()
    assert people.claimed_by(alice.id) == set()
    with pytest.raises(errors.AccountUnverified):
        await people.access.accounts.claim(alice.id)


async def test_every_process_knows_of_a_claim(processes: Callable[[], Awaitable[Access]], people: People) -> None:
    other = await processes()
    alice, contact = await people.sign_up(), await people.contact()
    session = await people.access.accounts.log_in(ADDRESS, PASSWORD)
    for access in (people.access, other):
        principal = await access.tokens.find(hash_of(session.token))
        assert principal is not None
        assert principal.ids == {alice.id}
    people.sql("UPDATE accounts SET email_proven_at = now() WHERE id = %s", alice.id)
    assert await people.access.accounts.claim(alice.id) == 1
    await other.tokens.poll()
    for access in (people.access, other):
        principal = await access.tokens.find(hash_of(session.token))
        assert principal is not None
        assert principal.ids == {alice.id, contact}


async def test_no_contact_escapes_a_proof_at_the_same_time(people: People) -> None:
    for number in range(15):
        email = f"{number}@example.test"
        alice = await people.sign_up(email)
        sale = asyncio.create_task(people.contact(email))
        await asyncio.sleep(0.002 * (number % 5))
        await people.prove(alice.id)
        contact = await sale
        assert people.claimed_by(alice.id) == {contact}


async def test_an_account_claims_a_bounded_number(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "MAX_CLAIMED", 3)
    contacts = [await people.contact(organizer=uuid4()) for _ in range(5)]
    alice = await people.sign_up()
    assert await people.prove(alice.id) == 3
    assert people.claimed_by(alice.id) == set(contacts[:3])
    found = await people.access.directory.find_or_create_contact(ORGANIZER, "Typed Name", ADDRESS)
    assert found.same_person == frozenset(), "it stays unclaimed"


async def test_contacts_are_erased_with_their_account(people: People) -> None:
    contact = await people.contact()
    alice = await people.sign_up()
    await people.prove(alice.id)
    await people.access.accounts.erase(alice.id)
    assert people.sql("SELECT name, contact_email, contact_of, claimed_by FROM accounts WHERE id = %s", contact) == [
        ("erased", None, None, None)
    ]
    assert await people.contact() != contact


async def test_erased_contact_leaves_its_account(people: People) -> None:
    contact = await people.contact()
    alice = await people.sign_up()
    session = await people.access.accounts.log_in(ADDRESS, PASSWORD)
    await people.prove(alice.id)
    await people.access.accounts.erase(contact)
    principal = await people.access.tokens.find(hash_of(session.token))
    assert principal is not None
    assert principal.ids == {alice.id}
    assert (await people.access.accounts.get(alice.id)).email == ADDRESS
