"""The rules of promo codes: making and withdrawing them, and what one does to an order. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from ledger import entries as e
from ledger import errors
from ledger.code_batches import MAX_BATCHES, CodeBatch, CodeUse, canonical
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
from ledger.commands import MakeCodes, WantedCode, WithdrawCodes
from ledger.event import Event, batch_id
from ledger.lapses import Lapses
from ledger.rules import Stamp, check_active, check_box_office, malformed

#: All of a price, in hundredths of a percent.
WHOLE = 10_000


def make_codes(event: Event, c: MakeCodes, now: datetime, stamp: Stamp) -> list[e.Entry]:
    check_box_office(event, c.actor)
    check_active(event)
    number = len(event.batches) + 1
    if number > MAX_BATCHES:
        raise errors.Malformed(f"An event has at most {MAX_BATCHES} batches of codes.")
    if c.valid_until is not None and c.valid_until <= max(now, c.valid_from or now):
        raise malformed("valid_until", "must be in the future, and after valid_from")
    if c.word and any(canonical(batch.word) == canonical(c.word) for batch in event.batches if not event.is_withdrawn(batch)):
        raise CodeTaken
    found = [event.find_category(category) for category in c.categories]
    if None in found:
        raise malformed("categories", "no such category", "This event has no such category.")
    categories = tuple(sorted({category.number for category in found if category is not None}))
    batch = CodeBatch(
        number, c.effect, c.value, c.count, c.max_tickets, categories, c.valid_from, c.valid_until, c.prefix, c.word, c.key
    )
    return [e.CodesMade(**stamp, batch=batch)]


def withdraw_codes(event: Event, c: WithdrawCodes, now: datetime, stamp: Stamp) -> list[e.Entry]:
    check_box_office(event, c.actor)
    check_active(event)
    batch = find_batch(event, c.batch_id)
    if event.is_withdrawn(batch):
        raise CodesAlreadyWithdrawn
    return [e.CodesWithdrawn(**stamp, batch=batch.number)]


def find_batch(event: Event, id_: UUID) -> CodeBatch:
    """The batch with this public id. Raises CodesNotFound."""
    batch = next((batch for batch in event.batches if batch_id(event.id, batch.number) == id_), None)
    if batch is None:
        raise CodesNotFound
    return batch


def find_code(event: Event, wanted: WantedCode) -> CodeUse:
    """Raises CodeUnknown."""
    place = wanted.place
    if place is not None and 0 < place.batch <= len(event.batches):
        batch = event.batches[place.batch - 1]
        if not batch.word and batch.key == place.key and place.number < batch.count and canonical(batch.prefix) == place.prefix:
            return CodeUse(batch.number, place.number)
    for batch in reversed(event.batches):
        if batch.word and canonical(batch.word) == wanted.text:
            return CodeUse(batch.number, 0)
    raise CodeUnknown


def check_code(event: Event, use: CodeUse, seats: bytes, now: datetime, lapses: Lapses, counted: int = 0) -> None:
    """Whether these seats can be ordered with the code now. `counted`: those of its tickets that count for it already."""
    batch = event.batches[use.batch - 1]
    if event.is_withdrawn(batch):
        raise CodeNotValidNow
    if (batch.valid_from is not None and now < batch.valid_from) or (batch.valid_until is not None and now >= batch.valid_until):
        raise CodeNotValidNow(*(None if time is None else time.isoformat() for time in (batch.valid_from, batch.valid_until)))
    tickets = batch.tickets(seats)
    if not tickets:
        raise CodeNotForCategory([event.categories[number].name for number in batch.categories if number in event.categories])
    left = batch.max_tickets - event.code_uses.get(use.key, 0) + counted
    if tickets > left:
        left += lapses.free_uses(use.key, batch, tickets - left)
        if tickets > left:
            raise CodeSpent(left)


def check_access(event: Event, categories: Iterable[int], use: CodeUse | None, now: datetime) -> None:
    """Raises CodeRequired for a category that is sold only with a code, if this is none of them."""
    if not (needed := _with_code_only(event, now)):
        return
    batch = event.batches[use.batch - 1] if use is not None else None
    for number in categories:
        is_admitted = batch is not None and batch.effect == "access" and batch.covers(number)
        if number in needed and not is_admitted:
            raise CodeRequired(event.categories[number].name)


def needs_code(event: Event, category: int, now: datetime) -> bool:
    return category in _with_code_only(event, now)


def _with_code_only(event: Event, now: datetime) -> set[int]:
    """The categories that are sold only with a code: while there are codes of access to them which are not over."""
    withdrawn, needed = set(event.withdrawn), set[int]()
    for batch in event.batches:
        is_over = batch.number in withdrawn or (batch.valid_until is not None and now >= batch.valid_until)
        if batch.effect == "access" and not is_over:
            needed.update(batch.categories or event.categories)
            if len(needed) >= len(event.categories):
                break
    return needed


def discounted(event: Event, lines: Sequence[e.Line], use: CodeUse) -> tuple[int, ...]:
    """What each ticket costs with the code, in minor units; empty if it costs what its line says. A percentage is taken off all
    tickets of a line together and rounded once, half up; the first tickets of the line get the remainder."""
    batch = event.batches[use.batch - 1]
    amounts: list[int] = []
    for line in lines:
        price, quantity = line.unit_price, line.quantity
        if not batch.covers(line.category) or batch.effect == "access":
            amounts += [price] * quantity
        elif batch.effect == "fixed":
            amounts += [max(price - batch.value, 0)] * quantity
        else:
            whole, rest = divmod((2 * price * quantity * (WHOLE - batch.value) + WHOLE) // (2 * WHOLE), quantity)
            amounts += [whole + 1] * rest + [whole] * (quantity - rest)
    is_cheaper = amounts != [line.unit_price for line in lines for _ in range(line.quantity)]
    return tuple(amounts) if is_cheaper else ()
