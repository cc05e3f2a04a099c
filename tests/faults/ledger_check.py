"""What must hold of a ledger and its read tables after a fault."""

import json
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg

from ledger.macs import Macs
from ledger.ownership import runtime_address
from ledger.settings import Settings
from ledger.store import Ledger
from projections.rebuild.rebuilder import Rebuilder
from projections.registry import PROJECTORS
from tests import forked_processes
from tests.faults.steady_sale import SteadySale
from tests.workers.deployment import wait_until

_ENTRIES = """
    SELECT originator_id::text, originator_version, topic, convert_from(state, 'UTF8') FROM ledger_entries
    ORDER BY notification_id"""
_BEHIND = """
    SELECT count(*) FROM projections
    WHERE name <> 'snapshots' AND position < (SELECT max(notification_id) FROM ledger_entries)"""


@dataclass(frozen=True)
class Found:
    """The bookings in the ledger, and those that are cancelled there; those that were acknowledged and are not in it, with the
    acknowledged holds that were not there when they were to be confirmed."""

    booked: Counter[str]
    cancelled: Counter[str]
    lost: set[str]
    lost_cancellations: set[str]


def check_ledger(settings: Settings, sale: SteadySale) -> Found:
    """Nothing is there twice or was not acknowledged, no event is oversold, no stream has a gap, no ticket code was given to two
    bookings. What was lost is the caller's to judge."""
    assert not sale.reads["404"], "an event was missing"
    rows = _read(settings.database_url, _ENTRIES)
    entries = [(stream, version, topic, json.loads(state)) for stream, version, topic, state in rows]
    check_streams(entries)
    booked = Counter(
        entry.get("hold_id") or entry["command"] for _, _, topic, entry in entries if topic.startswith("seats-booked/")
    )
    cancelled = Counter(entry["booking_id"] for _, _, topic, entry in entries if topic.startswith("booking-cancelled/"))
    for of_ledger, acknowledged in ((booked, {booking.id for booking in sale.booked}), (cancelled, sale.cancelled)):
        assert not [id_ for id_, count in of_ledger.items() if count > 1], "something happened twice"
        assert set(of_ledger) <= acknowledged, "something happened that no client knows of"
    _check_capacities(entries, sale.events)
    _check_holds(entries, sale)
    codes = Counter(code for booking in sale.booked for code in booking.codes)
    assert max(codes.values(), default=1) == 1, "a ticket code was given out twice"
    return Found(
        booked, cancelled, {booking.id for booking in sale.booked} - set(booked) | sale.lost_holds, sale.cancelled - set(cancelled)
    )


def check_streams(entries: Iterable[tuple[str, int, str, Any]]) -> None:
    """`entries`: stream, version and more, in the order of their positions."""
    ends = Counter[str]()
    for stream, version, *_ in entries:
        ends[stream] += 1
        assert version == ends[stream], f"a gap in {stream} before {version}"


def _check_capacities(entries: Iterable[tuple[str, int, str, Any]], capacities: dict[str, int]) -> None:
    """Seats that are sold or held, after each entry."""
    taken, held = Counter[str](), dict[str, int]()
    for stream, _, topic, entry in entries:
        match topic.partition("/")[0]:
            case "seats-held":
                held[entry["command"]] = sum(line[2] for line in entry["lines"])
                taken[stream] += held[entry["command"]]
            case "hold-released":
                taken[stream] -= held.pop(entry["hold_id"])
            case "holds-lapsed":
                taken[stream] -= sum(map(held.pop, entry["hold_ids"]))
            case "seats-booked":
                taken[stream] += sum(line[2] for line in entry["lines"]) - held.pop(entry.get("hold_id"), 0)
            case "booking-cancelled":
                taken[stream] -= sum(line[1] for line in entry["lines"])
        assert taken[stream] <= capacities.get(stream, 0), f"{stream} is oversold"


def _check_holds(entries: Iterable[tuple[str, int, str, Any]], sale: SteadySale) -> None:
    """Each hold has one outcome at most. `_check_capacities` has seen that it was open before it was given back or lapsed."""
    released = {entry["hold_id"] for _, _, topic, entry in entries if topic.startswith("hold-released/")}
    confirmed = {entry["hold_id"] for _, _, topic, entry in entries if topic.startswith("seats-booked/") and entry.get("hold_id")}
    made = {entry["command"] for _, _, topic, entry in entries if topic.startswith("seats-held/")}
    assert not released & confirmed, "a hold was both confirmed and given back"
    assert released <= sale.released, "a hold was given back that nobody gave back"
    assert made <= sale.held, "a hold was made that no client knows of"
    assert released | confirmed <= made, "a hold that was never made has an outcome"


def _read(database_url: str, query: str) -> list[Any]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(query.encode()).fetchall()


def wait_until_projected(settings: Settings) -> None:
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        wait_until(lambda: connection.execute(_BEHIND).fetchone() == (0,), "every projection at the head")


def check_rows(settings: Settings) -> None:
    """The read tables equal those of a rebuild."""
    url = runtime_address(
        settings.database_url, settings.runtime_database_url
    )  # as `python -m projections rebuild`: processes own what it makes
    with closing(Ledger(url, Macs.open(settings.keys))) as ledger, closing(Rebuilder(url, ledger)) as rebuilder:
        done = rebuilder.rebuild(list(PROJECTORS.values()))
    assert [(comparison.compared, comparison.difference) for comparison in done] == [(True, None)] * len(PROJECTORS)


def operator(settings: Settings, *words: str) -> tuple[int, str]:
    """The exit status of `python -m projections`, and what it says."""
    done = forked_processes.run(("projections", *words), settings.to_env(), timeout=300)
    return done.returncode, done.stdout + done.stderr
