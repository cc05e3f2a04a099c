"""The Event: trials, its queries about bookings, its snapshots."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import entries as e
from ledger import snapshots
from ledger.decide import decide
from ledger.details import Category, Details
from ledger.entries import RecordedEntry
from ledger.event import Event
from ledger.evolve import evolve
from tests.ledger import scenario as s
from tests.ledger.histories import execute, fold, histories, wishes


def restored(snapshot: snapshots.Snapshot, number: int = 0) -> Event:
    """Restores in frames, as the event loader does. `number`: the Event's number, which the first format does not contain."""
    steps = snapshots.restore(snapshot)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            event: Event = end.value
            event.number = event.number or number
            return event


def without_newest(event: Event) -> dict[str, Any]:
    """The whole state but for the time of the newest entry, which a snapshot does not have."""
    return {**s.state(event), "at": None}


@given(histories, wishes)
def test_a_dropped_trial_leaves_the_event_untouched(history: list[RecordedEntry], wanted: list[Any]) -> None:
    event = fold(history)
    before = s.state(event)
    execute(event.trial(), wanted)
    assert s.state(event) == before


@given(histories, wishes)
def test_a_merged_trial_is_the_event_that_its_entries_make(history: list[RecordedEntry], wanted: list[Any]) -> None:
    trial = fold(history).trial()
    made = execute(trial, wanted)
    assert s.state(trial) == s.state(fold([*history, *made]))
    merged = trial.merge()
    assert s.state(merged) == s.state(fold([*history, *made]))
    assert type(merged.bookings) is type(merged.touched) is type(merged.customers) is type(merged.commands) is dict


@given(histories, wishes, wishes)
def test_a_trial_may_follow_a_merged_trial(history: list[RecordedEntry], first: list[Any], second: list[Any]) -> None:
    trial = fold(history).trial()
    made = execute(trial, first)
    trial = trial.merge().trial()
    made += execute(trial, second)
    assert s.state(trial.merge()) == s.state(fold([*history, *made]))


@given(histories)
def test_a_restored_snapshot_is_the_event(history: list[RecordedEntry]) -> None:
    event = fold(history)
    again = restored(snapshots.take(event), event.number)
    assert without_newest(again) == without_newest(event)
    assert snapshots.take(again) == snapshots.take(event)


@pytest.mark.parametrize(
    ("details", "topic"),
    [
        ({}, snapshots.FIRST),
        ({"starts_at": None}, snapshots.OPEN_DATES),
        ({"sells_after_start": True}, snapshots.OPEN_DATES),
        ({"guest_checkout": "open"}, snapshots.GUESTS),
        ({"guest_checkout": "proven", "starts_at": None}, snapshots.GUESTS),
        (s.ON_SITE, snapshots.PAYMENTS),
    ],
)
def test_a_snapshot_is_of_the_oldest_format_that_represents_it(details: dict[str, Any], topic: str) -> None:
    event = s.replayed(s.scheduled(**details), s.booked(s.ALICE, s.general(1)))
    snapshot = snapshots.take(event)
    assert snapshot.topic == topic
    assert without_newest(restored(snapshot)) == without_newest(event)
    event.number = 4711
    assert without_newest(restored(snapshots.take(event, max(topic, snapshots.OPEN_DATES)))) == without_newest(event)


#: As this release and the one before it wrote it: a snapshot of `replayed(...)` below.
FIRST_SNAPSHOT = (
    "82a4686561648aa66e756d62657200aa637265617465645f6174d6ff6a1439c0a764657461696c7389a46e616d65a7436f6e63657274a97374617274"
    "735f6174d6ff6a450140ab6465736372697074696f6ea44c6f7564a576656e7565a448616c6ca7656e64735f6174d6ff6a450140a874696d657a6f6e"
    "65ad4575726f70652f4265726c696ead73616c65735f6f70656e5f6174d6ff6a1d7440ae73616c65735f636c6f73655f6174d6ff6a1d7440b86d6178"
    "5f7469636b6574735f7065725f637573746f6d657204ab64657461696c735f7365749101af64657461696c735f76657273696f6e01a863757272656e"
    "6379a3455552ac6f7267616e697a65725f6964d92430303030303030302d303030302d303030302d303030302d303030303030303030303031a67374"
    "61747573a6616374697665aa63617465676f726965739186a66e756d62657201a46e616d65a747656e6572616ca6707269636573919201cd1388a863"
    "617061636974790aa574616b656e02a4736f6c6402ad6c6173745f63617465676f727901a66672616d65739492a8626f6f6b696e677381c410000000"
    "000000000000000000000000b193c410000000000000000000000000000000a1c40201010292a7746f756368656481c4100000000000000000000000"
    "00000000b192c4026175910392a9637573746f6d65727381c410000000000000000000000000000000a10292a8636f6d6d616e647381c41000000000"
    "00000000000000000000000003"
)


def test_a_snapshot_of_the_first_format_never_changes() -> None:
    """Verification compares these bytes, and existing ledgers contain them."""
    event = s.replayed(s.scheduled(s.GENERAL), s.booked(s.ALICE, s.general(2)), s.used(1))
    event.commands = {bytes(16): 3}
    event.details = Details("Concert", s.STARTS, "Loud", "Hall", s.STARTS, "Europe/Berlin", s.NOW, s.NOW, 4)
    event.number = 7
    assert snapshots.take(event, snapshots.FIRST).state.hex() == FIRST_SNAPSHOT
    event.number = 0  # which that format left out
    first = snapshots.Snapshot(s.EVENT, 3, "event-snapshot/1", bytes.fromhex(FIRST_SNAPSHOT))
    assert without_newest(restored(first)) == without_newest(event)


@pytest.mark.parametrize(
    ("topic", "later"),
    [
        ("event-snapshot/1", False),
        ("event-snapshot/2", False),
        ("event-snapshot/4", False),
        ("event-snapshot/6", False),
        ("event-snapshot/7", True),
        ("event-snapshot/x", False),
        ("x/9", False),
    ],
)
def test_snapshots_of_later_releases_are_recognized(topic: str, later: bool) -> None:
    assert snapshots.is_later(topic) is later


@given(histories, wishes)
def test_a_restored_event_evolves_like_the_original(history: list[RecordedEntry], wanted: list[Any]) -> None:
    event = fold(history)
    again = restored(snapshots.take(event), event.number)
    for recorded in execute(event, wanted):
        evolve(again, recorded)
    assert without_newest(again) == without_newest(event)


def test_a_long_snapshot_is_restored_in_frames() -> None:
    event = s.replayed(s.scheduled(Category(1, "General", 1, 5_000)))
    for number in range(2, 2 * snapshots.FRAME + 3):
        evolve(event, RecordedEntry(s.EVENT, number, s.booked(s.ALICE, s.general(1, 1), booking=UUID(int=number))))
    steps = snapshots.restore(snapshots.take(event))
    assert len(list(steps)) == 3 + 1 + 1  # of bookings, of customers, of commands
    assert without_newest(restored(snapshots.take(event))) == without_newest(event)


@pytest.mark.parametrize(
    ("version", "last", "due"),
    [
        (999, 0, False),
        (1_000, 0, True),
        (2_999, 2_000, False),
        (3_000, 2_000, True),
        (104_999, 100_000, False),
        (105_000, 100_000, True),
    ],
)
def test_a_snapshot_is_due_when_a_stream_has_grown_by_a_twentieth_and_a_thousand(version: int, last: int, due: bool) -> None:
    assert snapshots.is_due(version, last) is due


def test_the_total_cost_of_snapshots_is_linear_in_the_stream() -> None:
    last, written, length = 0, 0, 1_000_000
    for version in range(1_000, length + 1, 500):
        if snapshots.is_due(version, last):
            last, written = version, written + version
    assert written < 22 * length


def test_a_command_id_leads_to_the_last_entry_of_the_command() -> None:
    once = s.stamp()
    twice = [e.PriceChanged(**once, category=1, price=1), e.PriceChanged(**once, category=2, price=2)]
    event = s.replayed(s.scheduled(), s.booked(s.ALICE, s.general(1)), *twice)
    assert event.version_of(s.BOOKING) == 2
    assert event.version_of(once["command"]) == 4
    assert event.version_of(s.UNKNOWN_BOOKING) is None


def test_a_booking_leads_to_the_versions_of_its_entries() -> None:
    one_back = s.cancelled(0, lines=(e.CancelledLine(1, 1, 5_000),), whole=False)
    other = s.booked(s.BOB, s.general(1), booking=s.ANOTHER_BOOKING)
    event = s.replayed(s.scheduled(), s.booked(s.ALICE, s.general(2)), other, one_back, s.used(1))
    assert event.versions_about(s.BOOKING) == (2, 4, 5)
    assert event.versions_about(s.ANOTHER_BOOKING) == (3,)


def test_a_price_is_that_of_a_version() -> None:
    event = s.replayed(s.scheduled(), s.price_changed(1, 6_000), s.booked(s.ALICE, s.general(1, 6_000)), s.price_changed(1, 7_000))
    assert [event.categories[1].price_at(version) for version in (1, 2, 3, 4, 5)] == [5_000, 6_000, 6_000, 7_000, 7_000]


@given(histories, st.integers(2, 30))
def test_entries_out_of_order_are_not_applied(history: list[RecordedEntry], version: int) -> None:
    event = fold(history)
    if version != event.version + 1:
        with pytest.raises(AssertionError):
            evolve(event, RecordedEntry(s.EVENT, version, s.event_completed()))


def test_an_entry_that_would_oversell_is_not_applied() -> None:
    with pytest.raises(AssertionError, match="never above capacity"):
        s.replayed(s.scheduled(), s.booked(s.ALICE, s.general(11)))


def test_times_of_a_stream_never_step_back() -> None:
    """A machine whose clock is an hour ahead has booked; the next one, whose clock is right, books for the same moment."""
    ahead = s.NOW + timedelta(hours=1)
    event = s.given(s.scheduled(s.GENERAL)).when(s.book(s.ALICE, General=1), at=ahead).then(s.booked(s.ALICE, s.general(1)))
    [entry] = decide(event, s.book(s.BOB, General=1), s.NOW)
    assert entry.at == ahead
    [entry] = decide(event, s.book(s.BOB, General=1), ahead + timedelta(seconds=1))
    assert entry.at == ahead + timedelta(seconds=1)


def test_rules_go_by_the_present_time_not_by_the_last_entry() -> None:
    """After a clock that was ahead, sales that close within the hour still go on."""
    closes_at = s.NOW + timedelta(minutes=30)
    details = msgspec.structs.replace(s.scheduled().details, sales_close_at=closes_at)
    scheduled = msgspec.structs.replace(s.scheduled(s.GENERAL), details=details, at=s.NOW + timedelta(hours=1))
    event = s.history(scheduled)
    assert decide(event, s.book(s.BOB, General=1), s.NOW)
