"""Random histories of an Event, made by the rules: the commands are decided in turn, and refused ones are skipped."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec
from hypothesis import strategies as st

from ledger.commands import Actor, CancelEvent, CategoryChange, Command, CompleteEvent, LapseHolds, PoolChange
from ledger.decide import decide
from ledger.entries import RecordedEntry
from ledger.errors import SeatledgerError
from ledger.event import Event, category_id
from ledger.evolve import evolve
from tests.ledger import promo_codes as promo
from tests.ledger import scenario as s

Wish = tuple[str, Any, Any]

_people = st.sampled_from((s.ALICE, s.BOB, s.OTHER_ORGANIZER, s.ORGANIZER))
_quantities = st.dictionaries(st.sampled_from(["General", "VIP"]), st.integers(1, 4), min_size=1)
_small = st.integers(0, 3)
#: Twice as likely as the rest, so that there is something to cancel.
_book = st.tuples(st.just("book"), _people, _quantities)
_wish = st.one_of(
    _book,
    _book,
    st.tuples(st.just("cancel"), _small, st.sets(_small)),
    st.tuples(st.just("check in"), _small, _small),
    st.tuples(st.just("change"), _small, st.integers(0, 20)),
    st.tuples(st.just("pools"), st.sampled_from([(), ("General",), ("General", "VIP")]), st.integers(1, 20)),
    st.tuples(st.sampled_from(["hold", "book with code", "hold with code"]), _people, _quantities),
    st.tuples(st.just("codes"), st.sampled_from(["percent", "fixed", "access"]), st.sampled_from([(), ("General",), ("VIP",)])),
    st.tuples(st.sampled_from(["confirm", "extend", "release"]), _small, st.none()),
    st.tuples(st.just("lapse"), st.none(), st.none()),
    st.tuples(st.just("payment methods"), st.sampled_from([(), ("box_office",)]), st.none()),
    st.tuples(st.just("take payment"), _small, st.none()),
    st.tuples(st.just("give refund"), _small, st.sampled_from([1, 400, 5_000])),
)
_end = st.tuples(st.sampled_from(["cancel event", "complete", "go on"]), st.none(), st.none())

wishes = st.lists(_wish, max_size=12)
#: Entries of one stream in order, the Event's first among them.
histories = st.builds(lambda wanted, end: _history([*wanted, end]), wishes, _end)


def fold(history: list[RecordedEntry]) -> Event:
    event = None
    for recorded in history:
        event = evolve(event, recorded)
    assert event is not None
    return event


def execute(event: Event, wanted: list[Wish]) -> list[RecordedEntry]:
    """Executes the commands on the event, which is changed, and returns their entries. Between two entries some minutes pass, so
    that some holds are due after a while."""
    made: list[RecordedEntry] = []
    for wish in wanted:
        command = _command(event, wish)
        try:
            entries = decide(event, command, s.NOW + timedelta(minutes=4 * event.version)) if command else []
        except SeatledgerError:
            continue
        for entry in entries:
            made.append(RecordedEntry(s.EVENT, event.version + 1, entry))
            evolve(event, made[-1])
    return made


def _history(wanted: list[Wish]) -> list[RecordedEntry]:
    scheduled = RecordedEntry(
        s.EVENT, 1, msgspec.structs.replace(s.scheduled(max_tickets_per_customer=9), currency="JPY"), position=77
    )
    return [scheduled, *execute(fold([scheduled]), wanted)]


def _command(event: Event, wish: Wish) -> Command | None:
    command = _wished(event, *wish)
    return command and msgspec.structs.replace(command, id=uuid5(s.EVENT, f"{event.version} {wish}"))


def _wished(event: Event, what: str, first: Any, second: Any) -> Command | None:
    holds = [UUID(bytes=key) for key in s.state(event)["holds"]] or [s.UNKNOWN_HOLD]
    bookings = [UUID(bytes=key) for key in s.state(event)["bookings"]] or [s.UNKNOWN_BOOKING]
    match what:
        case "book" | "hold" | "book with code" | "hold with code":
            return _order(event, what, first, second)
        case "confirm" | "extend" | "release":
            about_a_hold: dict[str, Any] = {"confirm": s.confirm, "extend": s.extend, "release": s.release}
            command: Command = about_a_hold[what](s.ADMIN, hold=holds[first % len(holds)])
            return command
        case "cancel" | "check in" | "take payment" | "give refund":
            return _about_booking(event, what, bookings[first % len(bookings)], second)
        case "change" | "pools" | "codes" | "payment methods":
            return _change(event, what, first, second)
    ends: dict[str, type[Command]] = {"cancel event": CancelEvent, "complete": CompleteEvent, "lapse": LapseHolds}
    return ends[what](**s.by(s.ADMIN)) if what in ends else None


def _about_booking(event: Event, what: str, booking: UUID, second: Any) -> Command:
    match what:
        case "cancel":
            return s.cancel(s.ADMIN, *second, booking=booking)
        case "take payment":
            return s.take_payment(event.due(booking), s.ADMIN, booking)
        case "give refund":
            return s.give_refund(second, s.ADMIN, booking)
    return s.check_in(s.ADMIN, second, booking=booking)


def _change(event: Event, what: str, first: Any, second: Any) -> Command:
    if what == "payment methods":
        return s.change(s.ADMIN, version=event.details_version, payment_methods=first)
    if what == "codes":
        return promo.make_codes(s.ADMIN, first, 1_500, categories=second, count=1, max_tickets=6)
    if what == "pools":
        pools = (PoolChange(None, "Hall", second, first),) if first else ()
        return s.change(s.ADMIN, version=event.details_version, pools=pools)
    categories = tuple(
        CategoryChange(category_id(event.id, c.number), price=second * 100, capacity=c.capacity + first)
        for c in event.categories.values()
    )
    return s.change(s.ADMIN, version=event.details_version, to=categories, venue=str(second))


def _order(event: Event, what: str, actor: Actor, seats: dict[str, int]) -> Command:
    code = promo.code(batch=len(event.batches)) if what.endswith("with code") else None
    if what.startswith("book"):
        return promo.using(s.book(actor, **seats), code)
    return promo.using(s.hold(actor, **seats), code)
