"""Migration 0014: customers of the box office, who had accounts without a password, are contacts."""

from uuid import UUID

import psycopg

import migrations

ALICE, BOB, OLU, CY = (UUID(int=number) for number in range(1, 5))


def test_accounts_without_a_password_become_contacts_and_back(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url, "0013")
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        for id_, name, role, password_hash in (
            (ALICE, "alice", "customer", "hash"), (BOB, "bob", "customer", None), (OLU, "olu", "organizer", None),
        ):  # fmt: skip
            connection.execute(
                "INSERT INTO accounts (id, name, email, role, password_hash) VALUES (%s, %s, %s, %s, %s)",
                (id_, name, f"{name}@example.test", role, password_hash),
            )
        connection.execute("INSERT INTO accounts (id, name, role) VALUES (%s, 'erased', 'customer')", (CY,))
        before = connection.execute("SELECT id, name, email FROM accounts ORDER BY id").fetchall()
        migrations.upgrade(empty_database_url, "0014")
        columns = "id, email, contact_email, contact_of"
        assert connection.execute(f"SELECT {columns} FROM accounts ORDER BY id".encode()).fetchall() == [
            (ALICE, "alice@example.test", None, None), (BOB, None, "bob@example.test", None), (OLU, "olu@example.test", None, None),
            (CY, None, None, None),
        ]  # fmt: skip
        migrations.downgrade(empty_database_url, "0013")
        assert connection.execute("SELECT id, name, email FROM accounts ORDER BY id").fetchall() == before


def test_a_downgrade_keeps_each_address_once(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url, "0014")
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO accounts (id, name, email, role) VALUES (%s, 'a', 'a@x.test', 'customer')", (ALICE,))
        for id_, email in ((BOB, "a@x.test"), (OLU, "b@x.test"), (CY, "b@x.test")):
            connection.execute(
                "INSERT INTO accounts (id, name, contact_email, contact_of, role) VALUES (%s, 'c', %s, %s, 'customer')",
                (id_, email, id_),
            )
        migrations.downgrade(empty_database_url, "0013")
        kept = connection.execute("SELECT id, email FROM accounts ORDER BY id").fetchall()
    assert kept == [(ALICE, "a@x.test"), (BOB, None), (OLU, "b@x.test"), (CY, None)]


def test_a_downgrade_leaves_claimed_contacts_without_an_organizer(empty_database_url: str) -> None:
    """Since then the organizer has another contact of the same address."""
    migrations.upgrade(empty_database_url, "0022")
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        for id_, claimed_by in ((BOB, ALICE), (CY, None)):
            connection.execute(
                "INSERT INTO accounts (id, name, contact_email, contact_of, claimed_by, role)"
                " VALUES (%s, 'c', 'a@x.test', %s, %s, 'customer')",
                (id_, OLU, claimed_by),
            )
        migrations.downgrade(empty_database_url, "0019")
        left = connection.execute("SELECT id, contact_email, contact_of FROM accounts ORDER BY id").fetchall()
    assert left == [(BOB, "a@x.test", None), (CY, "a@x.test", OLU)]
