"""When holds end, as the read tables know it."""

from datetime import timedelta
from uuid import UUID, uuid4

from ledger.commands import ExtendHold, HoldSeats, ReleaseHold, WantedSeats
from tests.query_api.world import ALICE, NOW, Api, World


def hold(world: World, event_id: UUID) -> UUID:
    return world.do(HoldSeats(id=uuid4(), actor=ALICE, event_id=event_id, tickets=(WantedSeats("General", 1),)))


async def test_hold_ends_are_the_newest_and_none_where_it_is_over(world: World, api: Api) -> None:
    event_id, cancelled = world.schedule(hold_minutes=10), world.schedule()
    held, extended, released, of_cancelled = (hold(world, id_) for id_ in (event_id, event_id, event_id, cancelled))
    world.do(ExtendHold(id=uuid4(), actor=ALICE, event_id=event_id, hold_id=extended), NOW + timedelta(minutes=5))
    world.do(ReleaseHold(id=uuid4(), actor=ALICE, event_id=event_id, hold_id=released), NOW + timedelta(minutes=6))
    world.cancel_event(cancelled)
    world.project()
    unknown = hold(world, event_id)
    assert await api.side.hold_ends([held, extended, released, of_cancelled, unknown]) == {
        held: NOW + timedelta(minutes=10),
        extended: NOW + timedelta(minutes=15),
        released: None,
        of_cancelled: None,
    }
