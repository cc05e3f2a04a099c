"""What pools leave of the seats of their categories. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Seats(NamedTuple):
    """The seats of a category or a pool: all, and those that are left, without regard to the other."""

    capacity: int
    available: int


class Shared(NamedTuple):
    """What can be sold: the seats left of each category, and those of all categories together."""

    available: list[int]
    total: Seats


def share(categories: Sequence[tuple[Seats, int | None]], pools: Mapping[int, Seats]) -> Shared:
    """`categories`: the seats of each, and the number of its pool."""
    alone = [seats for seats, pool in categories if pool is None]
    total = Seats(sum(seats.capacity for seats in alone), sum(seats.available for seats in alone))
    if not pools:
        return Shared([seats.available for seats, _ in categories], total)
    for number, limit in pools.items():
        members = [seats for seats, pool in categories if pool == number]
        capacity, available = sum(seats.capacity for seats in members), sum(seats.available for seats in members)
        total = Seats(total.capacity + min(limit.capacity, capacity), total.available + min(limit.available, available))
    left = [seats.available if pool is None else min(seats.available, pools[pool].available) for seats, pool in categories]
    return Shared(left, total)
