"""The ledger goes back under a worker: no projection folds an entry that the database does not have any more."""

import logging
from contextlib import closing

import msgspec
import pytest
from sqlalchemy import Engine, text

from ledger import snapshots
from ledger.anchor import LedgerWentBack
from ledger.entries import RecordedEntry
from ledger.store import Ledger
from projections.engine import ProjectionStalled, catch_up
from projections.rebuild.rebuilder import Rebuilder
from projections.registry import PROJECTORS
from tests.conftest import PostgresServer
from tests.ledger import storage
from tests.projections.stories import Story


class Shop:
    """A ledger and its projections, which can be put back to a backup."""

    def __init__(self, server: PostgresServer, url: str, ledger: Ledger, engine: Engine) -> None:
        self.server, self.url, self.ledger, self.engine = server, url, ledger, engine
        self.story = Story(seed=16)
        storage.append(ledger, self.story.entries)
        self.backup, self._entries = "", 0

    def sell(self, steps: int) -> None:
        storage.append(self.ledger, self.story.tell(steps))

    def project(self) -> None:
        for projector in PROJECTORS.values():
            catch_up(self.engine, self.ledger, projector)

    def back_up(self) -> None:
        self.backup, self._entries = self.server.back_up(self.url), len(self.story.entries)

    def restore(self) -> None:
        self.server.restore(self.url, self.backup)
        self.story.forget(len(self.story.entries) - self._entries)

    def check(self) -> None:
        """The rows are those that a rebuild makes."""
        with closing(Rebuilder(self.url, self.ledger)) as rebuilder:
            results = rebuilder.rebuild(list(PROJECTORS.values()))
        assert [(result.compared, result.difference) for result in results] == [(True, None)] * len(PROJECTORS)


@pytest.fixture
def shop(postgres_server: PostgresServer, database_url: str, ledger: Ledger, engine: Engine) -> Shop:
    return Shop(postgres_server, database_url, ledger, engine)


def test_kept_entries_of_a_lost_history_are_dropped(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """Entries that other projectors have read stay in memory; then the same positions hold other entries."""
    shop.sell(20)
    shop.project()
    shop.back_up()
    shop.sell(15)
    shop.project()
    with caplog.at_level(logging.CRITICAL):
        shop.restore()
        shop.sell(25)
        shop.project()
    assert len(caplog.records) == 1
    shop.check()


class _OtherHistory:
    """Reads from a database whose last entry is another one, as a former primary does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def read(self, after: int, limit: int) -> list[RecordedEntry]:
        *batch, last = self._ledger.read(after, limit)
        return [*batch, msgspec.structs.replace(last, mac=bytes(17))]

    def next_position(self, after: int) -> int | None:
        return self._ledger.next_position(after)


def test_entries_that_the_database_of_the_tables_does_not_have(shop: Shop) -> None:
    shop.sell(20)
    with pytest.raises(LedgerWentBack):
        catch_up(shop.engine, _OtherHistory(shop.ledger), PROJECTORS["availability"])
    shop.project()
    shop.check()


def test_snapshot_of_a_lost_history_is_not_stored(shop: Shop) -> None:
    """A worker has folded an Event; then the ledger goes back, and other entries get the same versions."""
    event_id = next(iter(shop.story.events))
    shop.back_up()
    shop.sell(40)
    event = shop.ledger.current_event(event_id)
    assert event is not None
    shop.restore()
    shop.ledger.save_snapshot(snapshots.take(event))
    while shop.story.events[event_id].version < event.version:
        shop.sell(10)
    shop.ledger.save_snapshot(snapshots.take(event))
    assert storage.latest_snapshot(shop.ledger, event_id) is None
    now = shop.ledger.current_event(event_id)
    assert now is not None
    assert now.version >= event.version
    shop.ledger.save_snapshot(snapshots.take(now))
    assert storage.latest_snapshot(shop.ledger, event_id) is not None


def test_projection_past_the_head_is_stalled_until_it_is_rebuilt(shop: Shop) -> None:
    """As where the ledger alone was restored."""
    shop.sell(20)
    shop.project()
    head = shop.ledger.head()
    with shop.engine.begin() as connection:
        connection.execute(text("UPDATE projections SET position = position + 10 WHERE name = 'revenue'"))
    revenue = PROJECTORS["revenue"]
    with pytest.raises(ProjectionStalled, match=f"position {head + 10} is past the head"):
        catch_up(shop.engine, shop.ledger, revenue)
    shop.sell(30)  # past the position
    with pytest.raises(ProjectionStalled):
        catch_up(shop.engine, shop.ledger, revenue)
    with closing(Rebuilder(shop.url, shop.ledger)) as rebuilder:
        rebuilder.rebuild([revenue])
    shop.project()
    shop.check()
