"""The route of receipts: what a receipt says, and that it hides nothing."""

import asyncio
import time
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from ledger.commands import ChangeEvent, CheckIn, GiveRefund, TakePayment
from ledger.event import Event
from ledger.evolve import evolve
from ledger.settings import Settings
from projections.proof.verify_checkpoints import accept
from seatledger_verify import Key, VerificationError, verify_receipt
from tests.query_api.world import ADMIN, ALICE, AUDITOR, BOB, NOW, ORGANIZER, OTHER, Api, Sign, World, key_of
from tests.soak import within


async def receipt_lines(api: Api, booking_id: UUID) -> list[str]:
    """What the verified receipt of Alice's booking says."""
    response = await api.get(f"/api/bookings/{booking_id}/receipt", ALICE)
    return verify_receipt(response.text, [await key_of(api)])


def forge_last_entry(world: World) -> None:
    """As the database's owner can, without the keys."""
    world.sql("ALTER TABLE ledger_entries DISABLE TRIGGER append_only")
    world.sql("UPDATE ledger_entries SET mac = set_byte(mac, 5, get_byte(mac, 5) # 1) WHERE notification_id = %s", world.position)


async def test_receipt_is_for_owner_organizer_auditor_and_admin(world: World, api: Api, sign: Sign) -> None:
    booking_id = world.book(world.schedule())
    sign()
    seen = {}
    for actor in (ALICE, BOB, ORGANIZER, OTHER, AUDITOR, ADMIN):
        response = await api.get(f"/api/bookings/{booking_id}/receipt", actor)
        seen[actor] = response.status_code
    assert list(seen.values()) == [200, 404, 200, 404, 200, 200]
    assert (await api.get(f"/api/bookings/{booking_id}/receipt")).status_code == 401
    assert (await api.get(f"/api/bookings/{uuid4()}/receipt", ADMIN)).status_code == 404


async def test_receipt_is_a_file_about_its_booking(world: World, api: Api, sign: Sign) -> None:
    booking_id = world.book(world.schedule("Ball"), General=2, VIP=1)
    sign()
    response = await api.get(f"/api/bookings/{booking_id}/receipt", ALICE)
    number = world.position
    assert response.headers["content-disposition"] == f'attachment; filename="receipt-{number}.txt"'
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    lines = verify_receipt(response.text, [await key_of(api)])
    assert [line.partition("  ")[0] for line in lines] == [
        "Booking", "Event", "Booked", "Seats", "Seats", "Total", "Refunded", "Status", "As of",
    ]  # fmt: skip
    assert f"Booking    {number}, {booking_id}" in lines
    assert {"Seats      2 x General at 50.00, 100.00 EUR", "Total      220.00 EUR", "Status     confirmed"} <= set(lines)


async def test_receipt_describes_later_changes_of_the_booking(world: World, api: Api, sign: Sign) -> None:
    event_id = world.schedule("Old name")
    change = {"name": "New\u2028name"}
    version = world.events[event_id].details_version
    world.do(ChangeEvent(id=uuid4(), actor=ORGANIZER, event_id=event_id, changes=change, categories=None,
                           expected_details_version=version))  # fmt: skip
    other_id = world.book(event_id, by=BOB)
    booking_id = world.book(event_id, General=3)
    world.do(CheckIn(id=uuid4(), actor=ORGANIZER, event_id=event_id, booking_id=booking_id, ticket=1))
    world.cancel_booking(event_id, booking_id, 0, at=NOW + timedelta(hours=1))
    world.cancel_booking(event_id, other_id)
    world.cancel_event(event_id, at=NOW + timedelta(hours=2))
    sign()
    lines = await receipt_lines(api, booking_id)
    assert [line.endswith(": ticket 2") for line in lines if line.startswith("Used")] == [True]
    said = [line.partition("Z: ")[2] for line in lines if line.startswith("Cancelled")]
    assert said == ["1 x General, 50.00 EUR back", "the event, 100.00 EUR back"]
    assert {"Refunded   150.00 EUR", "Status     cancelled", f"Event      New\ufffdname, {event_id}"} <= set(lines)


async def test_receipt_tells_what_was_paid_and_is_owed(world: World, api: Api, sign: Sign) -> None:
    event_id = world.schedule(payment_methods=("box_office",))
    booking_id = world.book(event_id, General=3)
    by: dict[str, Any] = {"actor": ORGANIZER, "event_id": event_id, "booking_id": booking_id, "method": "cash"}
    world.do(TakePayment(id=uuid4(), **by, amount=15_000))
    world.cancel_booking(event_id, booking_id, 0)
    world.do(GiveRefund(id=uuid4(), **by, amount=6_000, goodwill=True))
    world.cancel_event(event_id)
    world.do(GiveRefund(id=uuid4(), **by, amount=2_000))
    sign()
    lines = await receipt_lines(api, booking_id)
    happened = [line.partition(" ")[0] + " " + line.partition("Z: ")[2] for line in lines if "Z: " in line]
    assert happened == [
        "Paid 150.00 EUR, cash", "Cancelled 1 x General", "Owed 50.00 EUR", "Owed 10.00 EUR", "Paid 50.00 EUR, cash",
        "Paid 10.00 EUR, cash", "Cancelled the event", "Paid 20.00 EUR, cash",
    ]  # fmt: skip
    assert lines[-5:-1] == ["Due        0.00 EUR", "To refund  70.00 EUR", "Refunded   80.00 EUR", "Status     cancelled"]


async def test_receipt_of_a_booking_that_is_due(world: World, api: Api, sign: Sign) -> None:
    booking_id = world.book(world.schedule(payment_methods=("box_office",)), General=2)
    sign()
    lines = await receipt_lines(api, booking_id)
    assert lines[-5:-1] == ["Due        100.00 EUR", "To refund  0.00 EUR", "Refunded   0.00 EUR", "Status     confirmed"]


async def test_longest_receipt_does_not_delay_other_responses(world: World, api: Api, sign: Sign) -> None:
    event_id = world.schedule(categories=[("General", 5000, 1_000)])
    booking_id = world.book(event_id, General=1_000)
    for ticket in range(400):
        world.cancel_booking(event_id, booking_id, ticket)
    sign()
    began = time.perf_counter()
    asked = asyncio.create_task(api.get(f"/api/bookings/{booking_id}/receipt", ALICE))
    slowest = 0.0
    while not asked.done():
        before = time.perf_counter()
        await asyncio.sleep(0)
        slowest = max(slowest, time.perf_counter() - before)
    took, text = time.perf_counter() - began, (await asked).text
    assert len(verify_receipt(text, [await key_of(api)])) == 408
    assert slowest < within(0.25)
    print(f"402 entries, {len(text)} bytes: {1000 * took:.0f} ms, the event loop held up for {1000 * slowest:.0f} ms at most")


async def test_receipt_is_as_of_its_checkpoint(world: World, hasty: Api, sign: Sign) -> None:
    event_id = world.schedule()
    booking_id = world.book(event_id)
    sign()
    world.cancel_booking(event_id, booking_id)
    world.project()  # but not signed yet
    assert "Status     confirmed" in await receipt_lines(hasty, booking_id)
    waiting = {"Ledger-Position": str(world.position)}
    assert (await hasty.get(f"/api/bookings/{booking_id}/receipt", ALICE, waiting)).status_code == 503
    sign()
    response = await hasty.get(f"/api/bookings/{booking_id}/receipt", ALICE, waiting)
    assert "Status     cancelled" in verify_receipt(response.text, [await key_of(hasty)])


async def test_receipt_has_neither_codes_nor_personal_data(world: World, api: Api, sign: Sign) -> None:
    world.sign_up(ALICE, "Alice Liddell", "alice@example.test")
    booking_id = world.book(world.schedule())
    sign()
    booking = (await api.get(f"/api/bookings/{booking_id}", ALICE)).json()
    text = (await api.get(f"/api/bookings/{booking_id}/receipt", ALICE)).text
    assert not [word for word in ("Alice", "alice@", booking["tickets"][0]["code"]) if word in text]


@pytest.mark.parametrize("currency", ["JPY", "EUR", "KWD", "CLF"])
async def test_receipt_has_amounts_in_the_units_of_the_currency(world: World, api: Api, sign: Sign, currency: str) -> None:
    booking_id = world.book(world.schedule(currency=currency), General=3)
    sign()
    total = (await api.get(f"/api/bookings/{booking_id}", ALICE)).json()["total_amount"]
    lines = await receipt_lines(api, booking_id)
    assert f"Total      {total} {currency}" in lines


async def test_receipt_of_another_log_is_refused(world: World, api: Api, sign: Sign) -> None:
    booking_id = world.book(world.schedule())
    sign()
    text = (await api.get(f"/api/bookings/{booking_id}/receipt", ALICE)).text
    foreign = Key.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    with pytest.raises(VerificationError, match=r"^The receipt is signed by seatledger-.*, and not by PeterNeumann\+c74f20a3\.$"):
        verify_receipt(text, [foreign])


# --- what Seatledger did not write


async def test_receipt_about_a_foreign_entry_is_refused(world: World, api: Api, sign: Sign) -> None:
    sold, forged = world.book(world.schedule()), world.book(world.schedule())
    sign()
    forge_last_entry(world)
    response = await api.get(f"/api/bookings/{forged}/receipt", ALICE)
    assert (response.status_code, response.json()["type"]) == (500, "/problems/entry-altered")
    assert response.json()["position"] == world.position
    assert (await api.get(f"/api/bookings/{sold}/receipt", ALICE)).status_code == 200


async def test_entries_without_a_mac_need_the_first_checkpoint_or_acceptance(
    world: World, api: Api, sign: Sign, settings: Settings
) -> None:
    world.sql("ALTER TABLE ledger_entries DISABLE TRIGGER append_only")
    bookings = []
    for _ in range(2):
        bookings.append(world.book(world.schedule()))
        world.sql("UPDATE ledger_entries SET mac = NULL")
        sign()
    statuses = [(await api.get(f"/api/bookings/{booking_id}/receipt", ALICE)).status_code for booking_id in bookings]
    assert statuses == [200, 500]
    accept(settings.keys, world.position)
    assert (await api.get(f"/api/bookings/{bookings[1]}/receipt", ALICE)).status_code == 200


# --- read tables that somebody has altered


async def refusal(api: Api, booking_id: UUID) -> tuple[int, str]:
    response = await api.get(f"/api/bookings/{booking_id}/receipt", ALICE)
    return response.status_code, response.json()["type"]


def last_seen(world: World, event_id: UUID, version: int) -> Event:
    """The Event as a process has it in memory that has not seen its entries after that version."""
    event: Event | None = None
    for recorded in [one for one in world.story if one.stream == event_id][:version]:
        event = evolve(event, recorded)
    assert event is not None
    return event


HIDING = {
    "the list of changes": "DELETE FROM audit_amendments",
    "the position of the last leaf": "UPDATE audit_leaves SET positions = set_byte(positions, octet_length(positions) - 1,"
    " get_byte(positions, octet_length(positions) - 1) - 1)",
    "the booking's number": "UPDATE bookings SET number = number - 1",
}


@pytest.mark.parametrize("what", HIDING)
async def test_receipt_does_not_hide_a_cancellation_that_read_tables_hide(world: World, api: Api, sign: Sign, what: str) -> None:
    event_id = world.schedule()
    booking_id = world.book(event_id)
    world.cancel_booking(event_id, booking_id)
    sign()
    world.sql(HIDING[what])
    assert await refusal(api, booking_id) == (500, "/problems/entry-altered")


async def test_receipt_does_not_hide_the_cancellation_of_the_event(world: World, api: Api, sign: Sign) -> None:
    event_id = world.schedule()
    booking_id = world.book(event_id)
    world.cancel_event(event_id)
    sign()
    world.sql("DELETE FROM audit_amendments")
    assert await refusal(api, booking_id) == (500, "/problems/entry-altered")


async def test_receipt_is_not_about_the_entries_of_another_booking(world: World, api: Api, sign: Sign) -> None:
    event_id = world.schedule()
    cancelled, other = world.book(event_id), world.book(event_id)
    world.cancel_booking(event_id, cancelled)
    sign()
    [(number, version)] = world.sql("SELECT number, version FROM bookings WHERE booking_id = %s", cancelled)
    world.sql("DELETE FROM bookings WHERE booking_id = %s", cancelled)
    world.sql("UPDATE bookings SET number = %s, version = %s WHERE booking_id = %s", number, version, other)
    assert await refusal(api, other) == (500, "/problems/entry-altered")


@pytest.mark.parametrize("limit", [100, 1], ids=["a few entries", "many entries"])
@pytest.mark.parametrize("version", [1, 2, 3])
async def test_receipt_has_entries_that_the_process_has_not_seen(
    world: World, api: Api, sign: Sign, monkeypatch: pytest.MonkeyPatch, version: int, limit: int
) -> None:
    event_id = world.schedule()
    booking_id = world.book(event_id, General=2)
    world.cancel_booking(event_id, booking_id, 0)
    world.book(event_id, by=BOB)
    world.cancel_event(event_id)

    async def seen(event_id: UUID) -> Event:
        return last_seen(world, event_id, version)

    monkeypatch.setattr(api.side.booking_history, "_last_seen_event", seen)
    monkeypatch.setattr("query_api.booking_history.MAX_UNSEEN", limit)
    sign()
    lines = await receipt_lines(api, booking_id)
    assert len([line for line in lines if line.startswith("Cancelled")]) == 2
    assert {"Refunded   100.00 EUR", "Status     cancelled"} <= set(lines)


async def test_receipt_of_a_booking_before_a_forged_entry_is_made(world: World, api: Api, sign: Sign) -> None:
    event_id = world.schedule()
    booking_id = world.book(event_id)
    sign()
    world.book(event_id, by=BOB)
    forge_last_entry(world)
    assert "Status     confirmed" in await receipt_lines(api, booking_id)
