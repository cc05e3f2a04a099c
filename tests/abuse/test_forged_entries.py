"""Somebody who can write to the database, but has no keys, appends entries: their tickets do not check in, operators are told at
once, and no checkpoint covers them. Other Events are sold on."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import psycopg
import pytest

from ledger.keys import Keyring
from ledger.mapper import encode
from ledger.ticket_codes import TicketCodes, TicketLocation
from tests.ledger import scenario as s
from tests.running_system import Person, Stack, tickets
from tests.soak import within

ALARM_SECONDS = within(5.0)
SEALED = (503, "/problems/event-sealed")


def forge(stack: Stack, event_id: str, mac: bytes | None) -> tuple[int, int, UUID]:
    """Appends a booking as the database's owner can, without the key. Returns its position, its version and the booking's id."""
    booking = uuid4()
    entry = msgspec.structs.replace(s.booked(s.ALICE, s.general(1), booking=booking), at=datetime.now(UTC))
    with psycopg.connect(stack.settings.database_url) as connection:
        sql = "SELECT originator_version, mac FROM ledger_entries WHERE originator_id = %s ORDER BY 1 DESC LIMIT 1"
        [(version, last)] = connection.execute(sql, (event_id,)).fetchall()
        [(position,)] = connection.execute(
            "SELECT ledger_append(ARRAY[%s::uuid], ARRAY[%s::bigint], ARRAY['seats-booked/1'], ARRAY[%b::bytea], ARRAY[%b::bytea],"
            " ARRAY[%s::uuid], ARRAY[%b::bytea])",
            (event_id, version + 1, encode(entry), mac, event_id, last),
        ).fetchall()
    return position, version + 1, booking


def problem_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


def wait_until(holds: Callable[[], bool]) -> float:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < ALARM_SECONDS, "too late"
        time.sleep(0.05)
    return time.monotonic() - began


def audit_state(stack: Stack) -> dict[str, Any]:
    items = stack.admin.ok("GET", "/api/projections")["items"]
    return next(item for item in items if item["name"] == "audit")


@pytest.mark.parametrize("mac", [None, b"\x01" + bytes(16)], ids=["no MAC", "a wrong MAC"])
def test_forged_booking_is_refused_and_raises_an_alarm(own_stack: Stack, mac: bytes | None) -> None:
    stack, organizer, alice = own_stack, own_stack.person("organizer"), own_stack.person()
    sold, other = stack.event(organizer), stack.event(organizer)
    honest = alice.ok("POST", f"/api/events/{sold['id']}/bookings", tickets(1))
    stack.settle()
    wait_until(lambda: stack.admin.ok("GET", "/api/audit/checkpoint")["ledger_position"] >= honest["number"])

    position, version, booking = forge(stack, sold["id"], mac)
    alarm = wait_until(lambda: audit_state(stack)["state"] == "stalled")
    assert f"stopped at position {position}: ForgedEntry" in audit_state(stack)["error"]
    metric = 'seatledger_projection_state{projection="audit",state="stalled"} 1.0'
    told = wait_until(lambda: metric in stack.http.get("/metrics").text)

    codes = TicketCodes(Keyring.open(stack.settings.keys, "tickets"))
    code = codes.code(UUID(sold["id"]), booking, TicketLocation(version, 0), codes.newest_key)
    answers = [
        organizer.do("POST", f"/api/events/{sold['id']}/check-ins", {"code": code}),
        organizer.do("POST", f"/api/events/{sold['id']}/check-ins", {"code": honest["tickets"][0]["code"]}),
        alice.do("POST", f"/api/events/{sold['id']}/bookings", tickets(1)),
    ]
    with stack.another_api() as url, httpx.Client(base_url=url, timeout=30) as http:  # a process that has no Event in memory
        cold = Person(http, token=organizer.token)
        answers.append(cold.do("POST", f"/api/events/{sold['id']}/check-ins", {"code": code}))
    assert {problem_of(answer) for answer in answers} == {SEALED}
    counted = re.search(r"^seatledger_forged_entries_read_total (\d+)", stack.http.get("/metrics").text, re.MULTILINE)
    assert counted is not None
    assert int(counted[1]) > 0

    last = alice.ok("POST", f"/api/events/{other['id']}/bookings", tickets(1))
    assert last["id"] in [item["id"] for item in alice.see("/api/bookings")["items"]], "others go on"
    time.sleep(2.5)  # two checkpoints are due meanwhile
    assert stack.admin.ok("GET", "/api/audit/checkpoint")["ledger_position"] < position
    print(
        f"S22: a forged entry: stalled after {alarm:.2f} s, in the metrics {told:.2f} s later, 0 of 2 check-ins,"
        " 0 checkpoints past it"
    )


def test_sealed_event_sells_again_once_the_entry_is_removed(own_stack: Stack) -> None:
    stack, organizer, alice = own_stack, own_stack.person("organizer"), own_stack.person()
    event = stack.event(organizer)
    path = f"/api/events/{event['id']}/bookings"
    honest = alice.ok("POST", path, tickets(1))
    position, _, _ = forge(stack, event["id"], None)
    assert problem_of(alice.do("POST", path, tickets(1))) == SEALED
    wait_until(lambda: audit_state(stack)["state"] == "stalled")
    with psycopg.connect(stack.settings.database_url) as connection:
        connection.execute("ALTER TABLE ledger_entries DISABLE TRIGGER append_only")
        connection.execute("DELETE FROM ledger_entries WHERE notification_id = %s", (position,))
        connection.execute("ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER append_only")
    alice.ok("POST", path, tickets(1))
    organizer.ok("POST", f"/api/events/{event['id']}/check-ins", {"code": honest["tickets"][0]["code"]})
    wait_until(lambda: audit_state(stack)["state"] == "running")
    wait_until(lambda: int(stack.admin.ok("GET", "/api/audit/checkpoint")["ledger_position"]) > position)
