"""Somebody with SQL as the role of the processes, which owns the read tables, but without the keys: nothing false is signed for
them, and operators are told."""

import time
from uuid import UUID

import psycopg

from projections import audit, merkle
from tests.abuse.test_forged_entries import problem_of, wait_until
from tests.running_system import Person, Stack, tickets

LAST_TILES = """
    SELECT DISTINCT ON (level) level, tile, hashes FROM audit_tiles ORDER BY level, tile DESC"""
ADD_TILE = "INSERT INTO audit_tiles VALUES (%s, %s, %s) ON CONFLICT (level, tile) DO UPDATE SET hashes = excluded.hashes"


def cancelled_booking(stack: Stack, alice: Person) -> str:
    event = stack.event(stack.person("organizer"))
    booking = str(alice.ok("POST", f"/api/events/{event['id']}/bookings", tickets(2))["id"])
    alice.ok("DELETE", f"/api/bookings/{booking}")
    return booking


def forge_leaf(stack: Stack, event_id: str) -> int:
    """Puts the leaf of an entry that never was at the end of the tree. Returns its index."""
    with psycopg.connect(stack.runtime_url) as connection:
        connection.execute("SELECT FROM projections WHERE name = 'audit' FOR UPDATE")
        [(position,)] = connection.execute("SELECT max(notification_id) FROM ledger_entries").fetchall()
        rows = connection.execute(LAST_TILES).fetchall()
        size = sum(tile * merkle.WIDTH + len(hashes) // merkle.SIZE for level, tile, hashes in rows if level == 0)
        last = {level: hashes for level, _, hashes in rows if len(hashes) < merkle.WIDTH * merkle.SIZE}
        leaf = audit.leaf_of(UUID(event_id), 99, position, "seats-booked/1", b"{}")
        for (level, tile), hashes in merkle.append(last, size, leaf).items():
            connection.execute(ADD_TILE, (level, tile, hashes))
        packed = position.to_bytes(8, "big")
        connection.execute("UPDATE audit_leaves SET positions = positions || %b WHERE tile = %s", (packed, size // merkle.WIDTH))
    return int(size)


def test_no_receipt_is_made_that_hides_a_cancellation(own_stack: Stack) -> None:
    stack, alice = own_stack, own_stack.person()
    booking = cancelled_booking(stack, alice)
    receipt = f"/api/bookings/{booking}/receipt"
    wait_until(lambda: "Status     cancelled" in alice.do("GET", receipt).text)
    with psycopg.connect(stack.runtime_url, autocommit=True) as runtime:
        [hidden] = runtime.execute("DELETE FROM audit_amendments WHERE subject = %s RETURNING *", (booking,)).fetchall()
        assert problem_of(alice.do("GET", receipt)) == (500, "/problems/entry-altered")
        runtime.execute("INSERT INTO audit_amendments VALUES (%s, %s)", hidden)
    assert "Status     cancelled" in alice.do("GET", receipt).text


def test_leaf_of_an_entry_that_never_was_is_not_signed(own_stack: Stack) -> None:
    stack, organizer, alice = own_stack, own_stack.person("organizer"), own_stack.person()
    event = stack.event(organizer)
    path = f"/api/events/{event['id']}/bookings"
    booked = alice.ok("POST", path, tickets(1))
    wait_until(lambda: stack.admin.ok("GET", "/api/audit/checkpoint")["ledger_position"] >= booked["number"])
    forged = forge_leaf(stack, event["id"])
    alice.ok("POST", path, tickets(1))
    wait_until(lambda: stack.admin.ok("GET", "/api/projections")["signing"]["state"] == "inconsistent")
    assert 'seatledger_log_signing{state="inconsistent"} 1.0' in stack.http.get("/metrics").text
    time.sleep(2.5)  # two checkpoints are due meanwhile
    assert stack.admin.ok("GET", "/api/audit/checkpoint")["size"] <= forged
    alice.ok("POST", path, tickets(1))
