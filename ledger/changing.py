"""The rules of scheduling an Event, and of changing its details, categories and pools. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from ledger import entries as e
from ledger import errors
from ledger.commands import CategoryChange, ChangeEvent, PoolChange, ScheduleEvent
from ledger.details import Category, Details, Pool
from ledger.event import CategoryState, Event, category_id, pool_id
from ledger.lapses import Lapses
from ledger.rules import Stamp, check_active, check_box_office, default_guest_checkout, malformed

MAX_CATEGORIES = 50
#: All categories that an Event ever had, removed ones included: a ticket's category is stored in one byte.
MAX_CATEGORIES_EVER = 250
MAX_CAPACITY = 1_000_000
MAX_POOLS = 20
#: All pools that an Event ever had: it keeps the number in two bytes.
MAX_POOLS_EVER = 30_000


def schedule(c: ScheduleEvent, now: datetime, stamp: Stamp) -> list[e.Entry]:
    assert c.actor.id is not None
    details = c.details
    if c.has_default_guests:
        details = msgspec.structs.replace(details, guest_checkout=default_guest_checkout(details.max_tickets_per_customer))
    _check_details(details)
    _check_details_not_past(details, now)
    _check_names(category.name for category in c.categories)
    scheduled = e.EventScheduled(**stamp, details=details, currency=c.currency, organizer_id=c.actor.id, categories=c.categories)
    _check_pools(c.pools)
    return [scheduled, e.PoolsSet(**stamp, pools=c.pools)] if c.pools else [scheduled]


def change(event: Event, c: ChangeEvent, now: datetime, stamp: Stamp) -> list[e.Entry]:
    check_box_office(event, c.actor)
    check_active(event)
    if c.expected_details_version != event.details_version:
        raise errors.StaleVersion(event.details_version)
    details = msgspec.structs.replace(event.details, **c.changes)
    if details.guest_checkout == "open" and "guest_checkout" not in c.changes:  # the limit may be new
        details = msgspec.structs.replace(details, guest_checkout=default_guest_checkout(details.max_tickets_per_customer))
    _check_details(details)
    if details.starts_at != event.details.starts_at:
        _check_details_not_past(details, now)
    lapses = Lapses(event, now)
    changes = [] if c.categories is None else list(_category_changes(event, c.categories, lapses, stamp))
    if c.pools is not None:
        changes += _pool_changes(event, c.pools, _names_after(event, changes), lapses, stamp)
    if details != event.details or not changes:  # a change without effect is an entry, too: its retry must find it
        changes.insert(0, e.EventDetailsChanged(**stamp, details=details))
    return [*lapses.entries(stamp), *changes]


def _category_changes(event: Event, wanted: tuple[CategoryChange, ...], lapses: Lapses, stamp: Stamp) -> Iterator[e.Entry]:
    present = {category_id(event.id, seats.number): seats for seats in event.categories.values()}
    kept = [category.id for category in wanted if category.id is not None]
    if len(set(kept)) < len(kept) or not set(kept) <= present.keys():
        raise malformed("categories.id", "must each be one of this event's categories, once")
    _check_names(category.name or present[category.id].name for category in wanted)  # type: ignore[index]  # a new one has a name
    for id_, seats in present.items():
        if id_ not in kept:
            if seats.sold:
                raise errors.CategoryInUse(seats.name)
            yield e.CategoryRemoved(**stamp, category=seats.number)
    last = event.last_category
    for category in wanted:
        if category.id is not None:
            yield from _category_change(present[category.id], category, lapses, stamp)
            continue
        last += 1
        if last > MAX_CATEGORIES_EVER:
            raise errors.Malformed(f"An event has at most {MAX_CATEGORIES_EVER} categories over its whole life.")
        assert category.name is not None
        assert category.price is not None
        assert category.capacity is not None
        yield e.CategoryAdded(**stamp, category=Category(last, category.name, category.price, category.capacity))


def _category_change(seats: CategoryState, wanted: CategoryChange, lapses: Lapses, stamp: Stamp) -> Iterator[e.Entry]:
    if wanted.capacity is not None and wanted.capacity < seats.taken + seats.held:
        held = seats.held - lapses.free_seats((seats.number,), seats.taken + seats.held - wanted.capacity)
        if wanted.capacity < seats.taken + held:
            raise errors.CapacityBelowTaken(seats.name, seats.taken, held)
    if wanted.name not in (None, seats.name):
        yield e.CategoryRenamed(**stamp, category=seats.number, name=wanted.name)
    if wanted.price not in (None, seats.price):
        yield e.PriceChanged(**stamp, category=seats.number, price=wanted.price)
    if wanted.capacity not in (None, seats.capacity):
        yield e.CapacityChanged(**stamp, category=seats.number, capacity=wanted.capacity)


def _names_after(event: Event, changes: list[e.Entry]) -> dict[int, str]:
    """The names of the categories by number, after these entries."""
    names = {seats.number: seats.name for seats in event.categories.values()}
    for change in changes:
        match change:
            case e.CategoryAdded(category=added):
                names[added.number] = added.name
            case e.CategoryRenamed(category=number, name=name):
                names[number] = name
            case e.CategoryRemoved(category=number):
                del names[number]
    return names


def _pool_changes(
    event: Event, wanted: tuple[PoolChange, ...], names: dict[int, str], lapses: Lapses, stamp: Stamp
) -> Iterator[e.Entry]:
    """`names`: of the categories, by number."""
    present = {pool_id(event.id, pool.number): pool for pool in event.pools}
    numbers = {name: number for number, name in names.items()}
    numbers |= {str(category_id(event.id, number)): number for number in names}
    kept = [pool.id for pool in wanted if pool.id is not None]
    if len(set(kept)) < len(kept) or not set(kept) <= present.keys():
        raise malformed("pools.id", "must each be one of this event's pools, once")
    pools, last = [], event.last_pool
    for change in wanted:
        if change.id is not None:
            old = present[change.id]
        else:
            last += 1
            if last > MAX_POOLS_EVER:
                raise errors.Malformed(f"An event has at most {MAX_POOLS_EVER} pools over its whole life.")
            old = Pool(last, "", 0, ())
        if change.categories is None:
            categories = tuple(number for number in old.categories if number in names)
        elif set(change.categories) <= numbers.keys():
            categories = tuple(sorted({numbers[category] for category in change.categories}))
        else:
            raise malformed("pools.categories", "no such category", "This event has no such category.")
        name = old.name if change.name is None else change.name
        pools.append(Pool(old.number, name, old.capacity if change.capacity is None else change.capacity, categories))
    _check_pools(pools)
    for pool in pools:
        _check_pool_not_below(event, pool, lapses)
    if tuple(pools) != event.pools:
        yield e.PoolsSet(**stamp, pools=tuple(pools))


def _check_pool_not_below(event: Event, pool: Pool, lapses: Lapses) -> None:
    shared = [event.categories[number] for number in pool.categories if number in event.categories]
    taken, held = sum(seats.taken for seats in shared), sum(seats.held for seats in shared)
    if taken + held > pool.capacity:
        held -= lapses.free_seats(pool.categories, taken + held - pool.capacity)
        if taken + held > pool.capacity:
            raise errors.PoolBelowTaken(pool.name, taken, held)


def _check_details(details: Details) -> None:
    if details.ends_at is not None and (details.starts_at is None or details.ends_at <= details.starts_at):
        raise malformed("ends_at", "must be after starts_at")
    opens_at, closes_at = details.sales_open_at, details.sales_close_at
    if opens_at is not None and closes_at is not None and closes_at <= opens_at:
        raise malformed("sales_close_at", "must be after sales_open_at")
    if details.guest_checkout == "open" and details.max_tickets_per_customer is not None:
        raise malformed("guest_checkout", "must be proven or off where max_tickets_per_customer is set")


def _check_details_not_past(details: Details, now: datetime) -> None:
    if details.past_at is not None and details.past_at <= now:
        either = "" if details.sales_close_at is None else ", or sales_close_at must be"
        raise malformed("starts_at", f"must be in the future{either}")


def _check_pools(pools: Sequence[Pool]) -> None:
    if len(pools) > MAX_POOLS:
        raise malformed("pools", f"must be at most {MAX_POOLS}")
    if len({pool.name.casefold() for pool in pools}) < len(pools):
        raise malformed("pools", "names must be unique")
    shared = [category for pool in pools for category in pool.categories]
    if len(set(shared)) < len(shared):
        raise malformed("pools.categories", "must each be in one pool at most")


def _check_names(names: Iterable[str]) -> None:
    folded = [name.casefold() for name in names]
    if not 1 <= len(folded) <= MAX_CATEGORIES:
        raise malformed("categories", f"must be 1 to {MAX_CATEGORIES}")
    if len(set(folded)) < len(folded):
        raise malformed("categories", "names must be unique")
