"""Promo codes: what they take off, to which categories they admit, how often they can be used, and how they are spelled."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from ledger import entries as e
from ledger import errors, snapshots
from ledger.code_batches import MAX_BATCHES, MAX_CODES, CodeBatch, CodeUse, canonical
from ledger.code_errors import (
    CodeNotForCategory,
    CodeNotValidNow,
    CodeRequired,
    CodesAlreadyWithdrawn,
    CodesNotFound,
    CodeSpent,
    CodeTaken,
    CodeUnknown,
)
from ledger.code_rules import discounted, needs_code
from ledger.commands import CodePlace, WantedCode
from ledger.concurrency import at_once
from ledger.keys import Keyring
from ledger.promo_codes import PromoCodes
from tests.ledger import promo_codes as promo
from tests.ledger import scenario as s
from tests.ledger.scenario import ALICE, ANOTHER_BOOKING, ANOTHER_HOLD, BOB, DUE, NOW, ORGANIZER, STARTS, general, given, vip
from tests.ledger.test_event import restored, without_newest

TEN_PERCENT = promo.codes_made(promo.batch())
#: The first code of the first batch.
CODE = CodeUse(1, 0)
IN_AN_HOUR = NOW + timedelta(hours=1)
FRIENDS = promo.codes_made(promo.batch(1, "access", 0, count=1, max_tickets=9, categories=(2,), word="FRIENDS"))
WORD = WantedCode(canonical("friends"))


def sold(*lines: e.Line, amounts: tuple[int, ...] = (), code: CodeUse = CODE) -> e.SeatsBooked:
    return promo.with_code(s.booked(ALICE, *lines), code, *amounts)


# --- what a code takes off


def test_a_share_is_taken_off_each_ticket() -> None:
    order = promo.using(s.book(ALICE, General=1, VIP=1), promo.code())
    given(s.scheduled(), TEN_PERCENT).when(order).then(sold(general(1), vip(1), amounts=(4_500, 10_800)))


def test_an_amount_is_taken_off_each_ticket_but_never_more_than_its_price() -> None:
    made = promo.codes_made(promo.batch(1, "fixed", 6_000))
    order = promo.using(s.book(ALICE, General=1, VIP=1), promo.code())
    given(s.scheduled(), made).when(order).then(sold(general(1), vip(1), amounts=(0, 6_000)))


def test_other_categories_cost_what_they_cost() -> None:
    made = promo.codes_made(promo.batch(categories=(2,)))
    order = promo.using(s.book(ALICE, General=2, VIP=1), promo.code())
    given(s.scheduled(), made).when(order).then(sold(general(2), vip(1), amounts=(5_000, 5_000, 10_800)))


def test_a_percentage_is_rounded_once_and_the_remainder_assigned() -> None:
    made, lines = promo.batch(value=3_333), (e.Line(1, "General", 3, 5),)
    event = s.replayed(s.scheduled(), promo.codes_made(made))
    assert discounted(event, lines, CODE) == (4, 3, 3), "10 of 15, where each alone would be 3"


@for_all(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 10_000))
def test_a_percentage_is_exact_over_the_line(price: int, quantity: int, share: int) -> None:
    event = s.replayed(s.scheduled(), promo.codes_made(promo.batch(value=share)))
    amounts = discounted(event, [e.Line(1, "General", quantity, price)], CODE) or (price,) * quantity
    assert abs(sum(amounts) * 10_000 - price * quantity * (10_000 - share)) <= 5_000, "half a minor unit at most"
    assert max(amounts) - min(amounts) <= 1
    assert all(0 <= amount <= price for amount in amounts)


def test_the_total_is_checked_with_the_code() -> None:
    order = msgspec.structs.replace(promo.using(s.book(ALICE, General=2), promo.code()), expected_total="100")
    given(s.scheduled(), TEN_PERCENT).when(order).refused(errors.PriceChanged, total_amount="90.00")
    paid = msgspec.structs.replace(order, expected_total="90")
    given(s.scheduled(), TEN_PERCENT).when(paid).then(sold(general(2), amounts=(4_500, 4_500)))


def test_a_refund_is_what_was_charged_whatever_prices_did() -> None:
    event = given(s.scheduled(), TEN_PERCENT, sold(general(2), amounts=(4_500, 4_500)), s.price_changed(1, 9_000))
    refund = s.cancelled(1, lines=(e.CancelledLine(1, 1, 4_500),), whole=False)
    event.when(s.cancel(ALICE, 1)).then(msgspec.structs.replace(refund, code=CODE))


def test_a_code_that_changes_no_price_is_an_order_at_the_price() -> None:
    made = promo.codes_made(promo.batch(1, "access", 0, categories=(2,)))
    given(s.scheduled(), made).when(promo.using(s.book(ALICE, VIP=1), promo.code())).then(sold(vip(1)))


# --- how often


def test_a_code_is_good_for_its_tickets_over_all_orders() -> None:
    event = given(s.scheduled(), TEN_PERCENT, sold(general(1), amounts=(4_500,)))
    event.when(promo.using(s.book(BOB, General=2), promo.code())).refused(CodeSpent, left=1)
    event.when(promo.using(s.hold(BOB, General=2), promo.code())).refused(CodeSpent, left=1)
    event.when(promo.using(s.book(BOB, General=2), promo.code(1)))  # another code of the batch
    last = given(s.scheduled(), TEN_PERCENT, sold(general(2), amounts=(4_500, 4_500)))
    last.when(promo.using(s.book(BOB), promo.code())).refused(CodeSpent, left=0)


def test_only_tickets_that_it_is_for_count() -> None:
    made = promo.codes_made(promo.batch(categories=(2,), max_tickets=1))
    order = promo.using(s.book(ALICE, General=5, VIP=1), promo.code())
    amounts = (5_000,) * 5 + (10_800,)
    event = given(s.scheduled(), made).when(order).then(sold(general(5), vip(1), amounts=amounts))
    assert s.state(event)["code_uses"] == {CODE.key: 1}


def test_cancelled_tickets_give_it_back() -> None:
    gone = msgspec.structs.replace(s.cancelled(0, lines=(e.CancelledLine(1, 1, 4_500),), whole=False), code=CODE)
    event = given(s.scheduled(), TEN_PERCENT, sold(general(2), amounts=(4_500, 4_500)), gone)
    event.when(promo.using(s.book(BOB, General=2), promo.code())).refused(CodeSpent, left=1)
    booked = s.booked(BOB, general(1), booking=ANOTHER_BOOKING)
    event.when(promo.using(s.book(BOB), promo.code())).then(promo.with_code(booked, CODE, 4_500))


def held(hold: Any = s.HOLD) -> e.SeatsHeld:
    return promo.with_code(s.held(ALICE, general(2), hold=hold), CODE, 4_500, 4_500)


def test_a_hold_uses_it_until_it_is_released_or_due() -> None:
    event = given(s.scheduled(), TEN_PERCENT, held())
    order = promo.using(s.book(BOB, General=2), promo.code())
    event.when(order).refused(CodeSpent, left=0)
    booked = promo.with_code(s.booked(BOB, general(2)), CODE, 4_500, 4_500)
    event.when(order, at=DUE).then(s.lapsed(), booked)
    given(s.scheduled(), TEN_PERCENT, held(), s.released()).when(order).then(booked)
    given(s.scheduled(), TEN_PERCENT, held(), s.lapsed()).when(order).then(booked)


def test_a_due_hold_with_another_code_does_not_lapse() -> None:
    other = promo.with_code(s.held(BOB, general(1), hold=ANOTHER_HOLD), CodeUse(1, 1), 4_500)
    order = promo.using(s.book(BOB, General=1), promo.code())
    booked = promo.with_code(s.booked(BOB, general(1)), CODE, 4_500)
    given(s.scheduled(), TEN_PERCENT, other, held()).when(order, at=DUE).then(s.lapsed(s.HOLD), booked)


def test_a_confirmation_in_time_keeps_the_code_whatever_became_of_it() -> None:
    event = given(s.scheduled(), TEN_PERCENT, held(), s.price_changed(1, 9_000), promo.codes_withdrawn())
    booked = promo.with_code(s.confirmed(ALICE, general(2)), CODE, 4_500, 4_500)
    after = event.when(s.confirm(ALICE, total="90")).then(booked)
    assert s.state(after)["code_uses"] == {CODE.key: 2}
    assert after.ticket_amounts(s.HOLD) == (4_500, 4_500)


def test_a_late_confirmation_needs_the_code_to_be_good_now() -> None:
    order = promo.using(s.book(BOB, General=1), promo.code())
    booked = promo.with_code(s.confirmed(ALICE, general(2)), CODE, 4_500, 4_500)
    alone = given(s.scheduled(), TEN_PERCENT, held())
    assert s.state(alone.when(s.confirm(ALICE), at=DUE).then(booked))["code_uses"] == {CODE.key: 2}
    given(s.scheduled(), TEN_PERCENT, held(), s.lapsed()).when(s.confirm(ALICE, entry=held()), at=DUE).then(booked)
    alone.when(order, at=DUE).then(s.lapsed(), promo.with_code(s.booked(BOB, general(1)), CODE, 4_500))
    taken = given(s.scheduled(), TEN_PERCENT, held(), s.lapsed(), promo.with_code(s.booked(BOB, general(1)), CODE, 4_500))
    taken.when(s.confirm(ALICE, entry=held()), at=DUE).refused(CodeSpent, left=1)
    gone = given(s.scheduled(), TEN_PERCENT, held(), promo.codes_withdrawn())
    gone.when(s.confirm(ALICE), at=DUE).refused(CodeNotValidNow, valid_from=None, valid_until=None)


# --- when, and for what


def test_a_code_is_valid_for_a_time() -> None:
    made = promo.codes_made(promo.batch(valid_from=NOW, valid_until=IN_AN_HOUR))
    event, order = given(s.scheduled(), made), promo.using(s.book(ALICE), promo.code())
    event.when(order).then(sold(general(1), amounts=(4_500,)))
    span = {"valid_from": NOW.isoformat(), "valid_until": IN_AN_HOUR.isoformat()}
    event.when(order, at=NOW - timedelta(seconds=1)).refused(CodeNotValidNow, **span)
    event.when(order, at=IN_AN_HOUR).refused(CodeNotValidNow, **span)


def test_a_code_for_other_categories_is_refused() -> None:
    made = promo.codes_made(promo.batch(categories=(2,)))
    given(s.scheduled(), made).when(promo.using(s.book(ALICE), promo.code())).refused(CodeNotForCategory, categories=["VIP"])


@pytest.mark.parametrize(
    "wanted",
    [
        WantedCode("EAR1Y"),
        promo.code(5),
        promo.code(batch=2),
        promo.code(batch=0),
        WantedCode("", CodePlace("SPR1NG", 1, 1, 0)),
        WantedCode("", CodePlace("", 2, 1, 0)),
    ],
)
def test_a_code_that_was_never_made_is_unknown(wanted: WantedCode) -> None:
    given(s.scheduled(), TEN_PERCENT).when(promo.using(s.book(ALICE), wanted)).refused(CodeUnknown)


def test_a_word_is_no_derived_code() -> None:
    given(s.scheduled(), FRIENDS).when(promo.using(s.book(ALICE, VIP=1), promo.code())).refused(CodeUnknown)


# --- categories that are sold only with a code


def test_a_category_with_codes_of_access_is_sold_only_with_one() -> None:
    event = given(s.scheduled(), FRIENDS)
    for order in (s.book(ALICE, VIP=1), s.hold(ALICE, General=1, VIP=1)):
        event.when(order).refused(CodeRequired, category="VIP")
    event.when(s.book(ALICE)).then(s.booked(ALICE, general(1)))
    event.when(promo.using(s.book(ALICE, General=1, VIP=1), WORD)).then(sold(general(1), vip(1)))
    event.when(s.book(ORGANIZER, VIP=1)).then(s.booked(s.NOBODY, vip(1)))


def test_a_discount_admits_nobody() -> None:
    event = given(s.scheduled(), FRIENDS, promo.codes_made(promo.batch(2)))
    event.when(promo.using(s.book(ALICE, VIP=1), promo.code(batch=2))).refused(CodeRequired, category="VIP")


def test_the_category_is_everybodys_once_the_codes_are_over_or_withdrawn() -> None:
    presale = promo.codes_made(promo.batch(1, "access", 0, valid_until=IN_AN_HOUR))
    event = given(s.scheduled(), presale)
    event.when(s.book(ALICE)).refused(CodeRequired, category="General")
    event.when(s.book(ALICE), at=IN_AN_HOUR).then(s.booked(ALICE, general(1)))
    given(s.scheduled(), presale, promo.codes_withdrawn()).when(s.book(ALICE)).then(s.booked(ALICE, general(1)))
    assert event.event is not None
    assert needs_code(event.event, 1, NOW)
    assert not needs_code(event.event, 1, IN_AN_HOUR)


def test_a_late_confirmation_needs_access_as_well() -> None:
    event = given(s.scheduled(), s.held(ALICE, vip(1)), FRIENDS)
    event.when(s.confirm(ALICE)).then(s.confirmed(ALICE, vip(1)))
    event.when(s.confirm(ALICE), at=DUE).refused(CodeRequired, category="VIP")


# --- making and withdrawing


def test_codes_are_made_in_batches() -> None:
    event = given(s.scheduled()).when(promo.make_codes(prefix="SPRING")).then(promo.codes_made(promo.batch(prefix="SPRING")))
    assert event.details_version == 1, "nobody's edit of the event is in the way"
    made = promo.make_codes(effect="access", value=0, categories=("VIP",), word="FRIENDS", count=1, max_tickets=9)
    second = msgspec.structs.replace(FRIENDS.batch, number=2)
    given(s.scheduled(), TEN_PERCENT).when(made).then(promo.codes_made(second))


def test_only_the_box_office_makes_and_withdraws_codes() -> None:
    for actor in (ALICE, s.OTHER_ORGANIZER, s.AUDITOR):
        given(s.scheduled()).when(promo.make_codes(actor)).refused(errors.NotYourEvent)
        given(s.scheduled(), TEN_PERCENT).when(promo.withdraw_codes(actor)).refused(errors.NotYourEvent)


def test_a_word_is_taken_until_it_is_withdrawn() -> None:
    again = promo.make_codes(word="Fr-iends", count=1)
    given(s.scheduled(), FRIENDS).when(again).refused(CodeTaken)
    new = promo.codes_made(promo.batch(2, word="Fr-iends", count=1))
    event = given(s.scheduled(), FRIENDS, promo.codes_withdrawn()).when(again).then(new)
    assert event.batches[-1].word == "Fr-iends"


def test_codes_are_withdrawn_once() -> None:
    event = given(s.scheduled(), TEN_PERCENT).when(promo.withdraw_codes()).then(promo.codes_withdrawn())
    assert event.withdrawn == (1,)
    given(s.scheduled(), TEN_PERCENT, promo.codes_withdrawn()).when(promo.withdraw_codes()).refused(CodesAlreadyWithdrawn)
    given(s.scheduled(), TEN_PERCENT).when(promo.withdraw_codes(number=2)).refused(CodesNotFound)
    gone = given(s.scheduled(), TEN_PERCENT, promo.codes_withdrawn())
    gone.when(promo.using(s.book(ALICE), promo.code())).refused(CodeNotValidNow, valid_from=None, valid_until=None)


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"valid_until": NOW}, "valid_until"),
        ({"valid_from": IN_AN_HOUR, "valid_until": IN_AN_HOUR}, "valid_until"),
        ({"categories": ("Balcony",)}, "categories"),
    ],
)
def test_malformed_batches_are_refused(more: dict[str, Any], path: str) -> None:
    with pytest.raises(errors.Malformed) as refusal:
        given(s.scheduled()).when(promo.make_codes(**more)).then()
    assert refusal.value.facts["errors"][0]["path"] == path


def test_the_batches_of_an_event_are_bounded() -> None:
    many = [promo.codes_made(promo.batch(number)) for number in range(1, MAX_BATCHES + 1)]
    given(s.scheduled(), *many).when(promo.make_codes()).refused(errors.Malformed)
    given(s.scheduled(), *many[:-1]).when(promo.make_codes()).then(many[-1])


def test_no_codes_are_made_for_an_event_that_has_ended() -> None:
    given(s.scheduled(), s.event_cancelled()).when(promo.make_codes()).refused(errors.EventNotBookable, reason="cancelled")
    given(s.scheduled(), TEN_PERCENT).when(promo.make_codes(), at=STARTS).then(promo.codes_made(promo.batch(2)))


# --- snapshots


@pytest.mark.parametrize("later", [(), (sold(general(2), amounts=(4_500, 4_500)), promo.codes_withdrawn()), (held(),)])
def test_a_snapshot_has_the_codes(later: tuple[e.Entry, ...]) -> None:
    event = s.replayed(s.scheduled(), TEN_PERCENT, *later)
    snapshot = snapshots.take(event)
    assert snapshot.topic == snapshots.SHARED
    assert without_newest(restored(snapshot)) == without_newest(event)


# --- how they are spelled


CODES = PromoCodes(Keyring({1: bytes(32), 2: bytes(31) + b"\x01"}))
batches = st.builds(
    CodeBatch, st.integers(1, MAX_BATCHES), st.just("percent"), st.just(1), st.integers(1, 20), st.just(1),
    prefix=st.sampled_from(["", "SPRING", "a1"]), key=st.sampled_from([1, 2]),
)  # fmt: skip


@for_all(batches, st.data())
def test_a_derived_code_is_read_however_it_is_written(batch: CodeBatch, data: st.DataObject) -> None:
    codes = at_once(CODES.codes(s.EVENT, batch))
    assert len(set(codes)) == batch.count
    number = data.draw(st.integers(0, batch.count - 1))
    text = codes[number]
    spelling = data.draw(st.sampled_from([text, text.lower(), text.replace("-", ""), f" {text} ", text.replace("-", " ")]))
    place = CODES.read(s.EVENT, spelling).place
    assert place is not None
    assert (place.key, place.batch, place.number, place.prefix) == (batch.key, batch.number, number, canonical(batch.prefix))
    assert CODES.read(uuid4(), text).place is None, "of another event"
    assert CODES.read(s.EVENT, spelling) == CODES.read(s.EVENT, text) == WantedCode("", place), "no digest covers the keyed part"


@for_all(st.text(max_size=40))
def test_any_other_text_is_a_word(text: str) -> None:
    assert CODES.read(s.EVENT, text) == WantedCode(canonical(text))


def test_a_changed_code_is_another_text() -> None:
    [code] = at_once(CODES.codes(s.EVENT, promo.batch(count=1)))
    for place, character in enumerate(code):
        for other in "0123456789ABCDEFGHJKMNPQRSTVWXYZ" if character != "-" else "":
            if other != character:
                assert CODES.read(s.EVENT, code[:place] + other + code[place + 1 :]).place is None


def test_the_last_code_of_the_last_batch_can_be_made() -> None:
    batch = promo.batch(MAX_BATCHES, count=MAX_CODES)
    place = CODES.read(s.EVENT, at_once(CODES.codes(s.EVENT, batch))[-1]).place
    assert place is not None
    assert (place.batch, place.number) == (MAX_BATCHES, MAX_CODES - 1)


def test_a_word_is_its_own_code() -> None:
    assert at_once(CODES.codes(s.EVENT, FRIENDS.batch)) == ["FRIENDS"]
