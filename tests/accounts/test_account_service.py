"""accounts/account_service.py and accounts/directory.py"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from accounts import errors
from accounts.access import Access
from accounts.account_rows import NewAccount
from accounts.database import Pool, transaction
from accounts.passwords import HASHER
from accounts.tokens import hash_of
from ledger.commands import Role
from ledger.errors import Busy, IdempotencyKeyReused, Malformed
from ledger.settings import Settings

Person = Callable[..., Awaitable[dict[str, Any]]]
Processes = Callable[[], Awaitable[Access]]
PASSWORD = "correct horse battery"
ORGANIZER = uuid4()
ALICE = NewAccount(name="Alice", email="alice@example.test", password=PASSWORD, phone="+49 30 1234", role=Role.ORGANIZER)


def rows_of(database_url: str) -> str:
    """All rows of all tables that may contain personal data."""
    with psycopg.connect(database_url) as connection:
        tables = connection.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'").fetchall()
        return "\n".join(
            str(row) for (table,) in tables for row in connection.execute(f'SELECT t::text FROM "{table}" t'.encode()).fetchall()
        )


# Signing up and logging in


async def test_concurrent_sign_ups_of_an_email_create_one_account(access: Access) -> None:
    results = await asyncio.gather(*(access.accounts.sign_up(ALICE) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(result, errors.EmailTaken) for result in results) == 7


@pytest.mark.parametrize("wrong", ["password", "nobody", "disabled", "box office", "erased"])
async def test_failed_log_ins_are_indistinguishable(access: Access, wrong: str) -> None:
    alice = await access.accounts.create_user(ALICE, uuid4())
    email, password = ALICE.email, PASSWORD
    if wrong == "password":
        password = "something else"
    if wrong == "nobody":
        email = "nobody@example.test"
    if wrong == "disabled":
        await access.accounts.update_user(alice.id, {"disabled": True}, uuid4())
    if wrong == "box office":
        await access.directory.find_or_create_contact(ORGANIZER, "Bob", email := "bob@example.test")
    if wrong == "erased":
        await access.accounts.erase(alice.id)
    with pytest.raises(errors.WrongCredentials):
        await access.accounts.log_in(email, password)


async def test_an_outdated_hash_is_renewed_at_log_in(access: Access, pool: Pool) -> None:
    alice = await access.accounts.create_user(ALICE, uuid4())
    async with transaction(pool) as cursor:
        await cursor.execute("UPDATE accounts SET password_hash = %s WHERE id = %s", (HASHER.hash(PASSWORD), alice.id))
    await access.accounts.log_in(ALICE.email, PASSWORD)
    async with transaction(pool) as cursor:
        await cursor.execute("SELECT password_hash FROM accounts")
        (password_hash,) = await cursor.fetchone() or ("",)
    assert not access.passwords.is_outdated(password_hash)
    await access.accounts.log_in(ALICE.email, PASSWORD)


async def test_log_ins_at_once_all_succeed_while_the_hash_is_renewed(access: Access, pool: Pool) -> None:
    alice = await access.accounts.create_user(ALICE, uuid4())
    for _ in range(3):
        async with transaction(pool) as cursor:
            await cursor.execute("UPDATE accounts SET password_hash = %s WHERE id = %s", (HASHER.hash(PASSWORD), alice.id))
        await asyncio.gather(*(access.accounts.log_in(ALICE.email, PASSWORD) for _ in range(4)))


async def test_a_log_in_takes_two_round_trips_to_the_database(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    await access.accounts.create_user(ALICE, uuid4())
    executed: list[str] = []
    execute, task = psycopg.AsyncCursor.execute, asyncio.current_task()

    async def count(cursor: Any, query: Any, *others: Any, **options: Any) -> Any:
        if asyncio.current_task() is task:  # not what is polled meanwhile
            executed.append(query)
        return await execute(cursor, query, *others, **options)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", count)
    await access.accounts.log_in(ALICE.email, PASSWORD)
    assert len(executed) == 2


# Commands that never act twice


async def test_fifty_concurrent_tries_create_one_account(processes: Processes) -> None:
    command_id, both = uuid4(), [await processes(), await processes()]
    answers = await asyncio.gather(*(both[number % 2].accounts.create_user(ALICE, command_id) for number in range(50)))
    assert set(answers) == {answers[0]}
    assert answers[0].id == command_id


async def test_another_body_is_refused_and_the_first_result_stays(access: Access) -> None:
    command_id = uuid4()
    first = await access.accounts.create_user(ALICE, command_id)
    for other in ({"name": "Alicia"}, {"password": "another password"}, {"role": Role.ADMIN}):
        changed = NewAccount(**{**{name: getattr(ALICE, name) for name in ALICE.__struct_fields__}, **other})
        with pytest.raises(IdempotencyKeyReused):
            await access.accounts.create_user(changed, command_id)
    await access.accounts.update_user(first.id, {"role": Role.AUDITOR}, uuid4())
    assert await access.accounts.create_user(ALICE, command_id) == first, "the first answer, not the present state"


async def test_a_refused_account_command_stores_nothing(access: Access) -> None:
    command_id = uuid4()
    alice = await access.accounts.create_user(ALICE, uuid4())
    with pytest.raises(errors.EmailTaken):
        await access.accounts.create_user(ALICE, command_id)
    await access.accounts.erase(alice.id)
    assert (await access.accounts.create_user(ALICE, command_id)).id == command_id


async def test_updates_are_executed_once(access: Access) -> None:
    alice, command_id = await access.accounts.create_user(ALICE, uuid4()), uuid4()
    first = await access.accounts.update_me(alice.id, {"name": "Alicia"}, command_id)
    await access.accounts.update_me(alice.id, {"name": "Ally"}, uuid4())
    assert await access.accounts.update_me(alice.id, {"name": "Alicia"}, command_id) == first
    assert (await access.accounts.get(alice.id)).name == "Ally"


async def test_stored_commands_contain_no_password_nor_guessable_digest(access: Access, database_url: str) -> None:
    alice = await access.accounts.create_user(ALICE, uuid4())
    await access.accounts.update_me(alice.id, {"password": "another password"}, uuid4(), old_password=PASSWORD)
    stored = rows_of(database_url)
    assert PASSWORD not in stored
    assert "another password" not in stored


# Changing oneself


async def test_a_new_password_needs_the_old_one_and_ends_other_sessions(access: Access) -> None:
    alice = await access.accounts.create_user(ALICE, uuid4())
    here, there = [await access.accounts.log_in(ALICE.email, PASSWORD) for _ in range(2)]
    change = {"password": "another password"}
    for old_password in (None, "wrong password"):
        with pytest.raises(errors.WrongPassword):
            await access.accounts.update_me(alice.id, change, uuid4(), old_password=old_password)
    await access.accounts.update_me(alice.id, change, uuid4(), old_password=PASSWORD, keep_token=hash_of(here.token))
    assert await access.tokens.find(hash_of(here.token)) is not None
    assert await access.tokens.find(hash_of(there.token)) is None
    await access.accounts.log_in(ALICE.email, "another password")
    with pytest.raises(errors.WrongCredentials):
        await access.accounts.log_in(ALICE.email, PASSWORD)


async def test_a_new_email_needs_the_password_and_must_be_free(access: Access) -> None:
    alice = await access.accounts.create_user(ALICE, uuid4())
    await access.accounts.sign_up(NewAccount(name="Bob", email="bob@example.test", password=PASSWORD))
    with pytest.raises(errors.WrongPassword):
        await access.accounts.update_me(alice.id, {"email": "ally@example.test"}, uuid4())
    with pytest.raises(errors.EmailTaken):
        await access.accounts.update_me(alice.id, {"email": "bob@example.test"}, uuid4(), old_password=PASSWORD)
    changes = {"email": "ally@example.test", "phone": None}
    changed = await access.accounts.update_me(alice.id, changes, uuid4(), old_password=PASSWORD)
    assert (changed.email, changed.phone) == ("ally@example.test", None)


# The last admin


async def test_the_last_admin_stays_under_concurrent_changes(access: Access, pool: Pool) -> None:
    for _ in range(5):
        admins = [
            await access.accounts.create_user(
                NewAccount(name="a", email=f"{uuid4()}@example.test", password=PASSWORD, role=Role.ADMIN), uuid4()
            )
            for _ in range(3)
        ]
        ways: list[Callable[[UUID], Awaitable[Any]]] = [
            lambda admin: access.accounts.update_user(admin, {"role": Role.CUSTOMER}, uuid4()),
            lambda admin: access.accounts.update_user(admin, {"disabled": True}, uuid4()),
            access.accounts.erase,
        ]
        results = await asyncio.gather(*(way(admin.id) for way, admin in zip(ways, admins, strict=True)), return_exceptions=True)
        assert sum(isinstance(result, errors.LastAdmin) for result in results) == 1
        async with transaction(pool) as cursor:
            await cursor.execute("DELETE FROM accounts WHERE role = 'admin' AND NOT disabled")
            assert cursor.rowcount == 1


async def test_the_last_admin_may_make_harmless_changes(access: Access, person: Person) -> None:
    admin = await person(Role.ADMIN)
    await access.accounts.update_user(admin["id"], {"role": Role.ADMIN, "disabled": False}, uuid4())
    with pytest.raises(errors.LastAdmin):
        await access.accounts.update_user(admin["id"], {"disabled": True, "role": Role.ADMIN}, uuid4())


# Erasing


async def test_erasure_leaves_no_personal_data(access: Access, database_url: str) -> None:
    command_id = uuid4()
    alice = await access.accounts.create_user(ALICE, command_id)
    await access.accounts.log_in(ALICE.email, PASSWORD)
    await access.accounts.update_me(alice.id, {"name": "Alicia Keyes"}, uuid4())
    await access.accounts.update_user(alice.id, {"role": Role.CUSTOMER}, uuid4())
    assert "alice@example.test" in rows_of(database_url)
    await access.accounts.erase(alice.id)
    stored = rows_of(database_url).lower()
    for personal in ("alic", "example.test", "1234", "argon2"):
        assert personal not in stored
    assert str(alice.id) in stored, "the ledger knows the id"
    with pytest.raises(errors.AccountNotFound):
        await access.accounts.create_user(ALICE, command_id)
    with pytest.raises(errors.AccountNotFound):
        await access.accounts.update_user(alice.id, {"role": Role.ADMIN}, uuid4())
    assert (await access.accounts.sign_up(ALICE)).id != alice.id


async def test_an_obstacle_prevents_erasure(settings: Settings, pool: Pool) -> None:
    async def erasure_obstacle(account_id: UUID) -> str | None:
        return "You have 2 upcoming bookings."

    async with Access(settings, pool, key=bytes(32), erasure_obstacle=erasure_obstacle) as access:
        alice = await access.accounts.sign_up(ALICE)
        with pytest.raises(errors.ErasureRefused, match="2 upcoming"):
            await access.accounts.erase(alice.id)
        assert (await access.accounts.get(alice.id)).name == "Alice"


# Looking people up


async def test_a_contact_is_created_once_for_an_organizer(access: Access) -> None:
    email = "bob@example.test"

    async def find(organizer_id: UUID, name: str, email: str) -> UUID:
        return (await access.directory.find_or_create_contact(organizer_id, name, email)).id

    ids = await asyncio.gather(*(find(ORGANIZER, "Bob", email) for _ in range(20)))
    assert len(set(ids)) == 1
    assert await find(ORGANIZER, "Another name", email) == ids[0]
    assert await find(uuid4(), "Bob", email) != ids[0], "another organizer's"
    contacts, _ = await access.directory.get_users(email)
    assert {(contact.name, contact.email, contact.is_contact) for contact in contacts} == {("Bob", email, True)}
    assert len(contacts) == 2
    with pytest.raises(errors.AccountNotFound):
        await access.accounts.update_user(ids[0], {"role": Role.ADMIN}, uuid4())


async def test_an_account_and_a_contact_of_one_address_are_apart(access: Access) -> None:
    (before, _) = await access.directory.find_or_create_contact(ORGANIZER, "Alice A.", ALICE.email)
    alice = await access.accounts.sign_up(ALICE)
    assert alice.id != before
    assert await access.directory.find_or_create_contact(ORGANIZER, "Alice", ALICE.email) == (before, frozenset())
    assert (await access.directory.find_or_create_contact(uuid4(), "Alice", ALICE.email)).id not in (alice.id, before)
    with pytest.raises(errors.AccountNotFound):
        await access.accounts.set_password("bob@example.test", PASSWORD)


async def test_contacts_and_guests_are_erased(access: Access, database_url: str) -> None:
    contact, _ = await access.directory.find_or_create_contact(ORGANIZER, "Wilhelmine", "wil@example.test")
    guest = await access.guests("event-reservations").sign_up("wilhelmine", "wil@example.test", PASSWORD)
    assert guest is not None
    for person in (contact, guest.id):
        await access.accounts.erase(person)
        with pytest.raises(errors.AccountNotFound):
            await access.accounts.erase(person)
    stored = rows_of(database_url).lower()
    for personal in ("wil", "example.test", "argon2"):
        assert personal not in stored
    assert str(contact) in stored
    assert str(guest.id) in stored
    again, _ = await access.directory.find_or_create_contact(ORGANIZER, "Wilhelmine", "wil@example.test")
    assert again != contact
    with pytest.raises(errors.AccountNotFound):
        await access.accounts.erase(access.guests("event-reservations").default_organizer_id)


@pytest.mark.parametrize("q", ["100%", "a_b", "back\\slash", "ÜBER", "100% a_b back\\"])
async def test_a_search_is_literal(access: Access, q: str) -> None:
    for number, name in enumerate(["100% a_b back\\slash über", "100 percent", "aXb", "backslash"]):
        await access.directory.find_or_create_contact(ORGANIZER, name, f"{number}@example.test")
    accounts, _ = await access.directory.get_users(q)
    assert [account.email for account in accounts] == ["0@example.test"]


async def test_pages_contain_each_account_once(access: Access) -> None:
    for number in range(25):
        await access.directory.find_or_create_contact(ORGANIZER, "n", f"{number}@example.test")
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(4):
        page, cursor = await access.directory.get_users("", cursor, 7)
        seen += [account.email for account in page]
    assert cursor is None
    assert seen == [f"{number}@example.test" for number in range(25)]


@pytest.mark.parametrize(
    "cursor", ["", "x", "W10", "bnVsbA", "WzEsMl0", "é", "A" * 5000, "WyIyMDI2LTAxLTAxIiwgIngiXQ", "WyJpbmZpbml0eSIsICIiXQ"]
)
async def test_a_cursor_of_another_list_is_malformed(access: Access, cursor: str) -> None:
    with pytest.raises(Malformed):
        await access.directory.get_users("", cursor)


async def test_an_overloaded_hasher_is_busy(access: Access) -> None:
    everybody = [NewAccount(name="n", email=f"{number}@example.test", password=PASSWORD) for number in range(100)]
    results = await asyncio.gather(*map(access.accounts.sign_up, everybody), return_exceptions=True)
    assert {type(result).__name__ for result in results} <= {"Account", "Busy"}
    assert any(isinstance(result, Busy) for result in results)
