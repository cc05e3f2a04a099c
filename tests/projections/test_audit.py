"""The tree over the ledger agrees with another implementation, for any batch size, also when a worker is killed."""

import random
from typing import Any

import psycopg
import pytest
from pymerkle import InmemoryTree
from sqlalchemy import Engine, text

from ledger import entries as e
from ledger.entries import RecordedEntry, topic_of
from ledger.mapper import encode
from ledger.store import Ledger
from projections import audit, merkle
from projections.engine import ProjectionStalled, catch_up
from projections.registry import PROJECTORS
from tests.ledger import storage
from tests.projections.stories import Story
from tests.projections.test_engine import InterruptedProjector, kill_other_connections

AUDIT = PROJECTORS["audit"]


def content(position: int, recorded: RecordedEntry) -> bytes:
    """The content of a leaf, as decision 0017 defines it."""
    topic, state = topic_of(recorded.entry).encode(), encode(recorded.entry)
    numbers = b"".join(number.to_bytes(8, "big") for number in (recorded.version, position))
    return recorded.stream.bytes + numbers + b"".join(len(part).to_bytes(4, "big") + part for part in (topic, state))


def append(ledger: Ledger, entries: list[RecordedEntry]) -> list[tuple[int, RecordedEntry]]:
    return list(zip(storage.append(ledger, entries), entries, strict=True))


def roots(engine: Engine, sizes: list[int]) -> list[bytes]:
    with engine.connect() as connection:
        return [audit.root_at(connection, size) for size in sizes]


def check(engine: Engine, leaves: list[tuple[int, RecordedEntry]]) -> None:
    """Checks that the stored tree has these leaves: its roots at several sizes, and the positions of its leaves."""
    oracle: Any = InmemoryTree(algorithm="sha256")
    for position, recorded in leaves:
        oracle.append(content(position, recorded))
    sizes = sorted({1, 255, 256, 257, 511, 512, len(leaves)} & set(range(1, len(leaves) + 1)))
    assert roots(engine, sizes) == [oracle.get_state(size) for size in sizes]
    with engine.connect() as connection:
        assert audit.tree_size(connection) == len(leaves)
        rows = connection.execute(text("SELECT tile, first_position, positions, latest FROM audit_leaves ORDER BY tile")).all()
    positions = [position for row in rows for position in audit.positions_of(row.positions)]
    assert positions == [position for position, _ in leaves]
    for row in rows:
        so_far = leaves[: (row.tile + 1) * 256]
        assert (row.first_position, row.latest) == (leaves[row.tile * 256][0], max(recorded.entry.at for _, recorded in so_far))


@pytest.mark.parametrize("seed", range(3))
def test_tree_has_the_raw_entries_for_any_batch_size(seed: int, engine: Engine, ledger: Ledger) -> None:
    story, dice = Story(seed=seed), random.Random(seed)
    leaves = append(ledger, story.entries)
    for _ in range(8):
        leaves += append(ledger, story.tell(dice.randrange(1, 300)))
        catch_up(engine, ledger, AUDIT, batch_size=dice.choice((1, 7, 255, 256, 257, 2_000)))
        check(engine, leaves)
    print(f"{len(leaves)} leaves")


def test_positions_with_gaps_are_stored_beside_the_leaves(engine: Engine, ledger: Ledger, database_url: str) -> None:
    story = Story(seed=4)
    leaves = append(ledger, story.entries)
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT setval('ledger_entries_notification_id_seq', 1000000)")
    leaves += append(ledger, story.tell(400))
    catch_up(engine, ledger, AUDIT, batch_size=100)
    check(engine, leaves)
    with engine.connect() as connection:
        tile, packed = connection.execute(text("SELECT tile, positions FROM audit_leaves ORDER BY tile LIMIT 1")).one()
    assert audit.leaf_index_of(leaves[5][0], tile, packed) == 5
    assert audit.leaf_index_of(999_999, tile, packed) is None


def test_append_that_was_killed_is_repeated_without_a_trace(engine: Engine, ledger: Ledger, database_url: str) -> None:
    story = Story(seed=5)
    leaves = append(ledger, story.entries)
    for _ in range(5):
        leaves += append(ledger, story.tell(120))
        with pytest.raises(Exception, match=r"terminat|closed"):
            catch_up(engine, ledger, InterruptedProjector(AUDIT, lambda: kill_other_connections(database_url)), batch_size=50)
        catch_up(engine, ledger, AUDIT, batch_size=70)
        check(engine, leaves)


def test_leaf_of_a_row_is_the_leaf_in_the_tree(engine: Engine, ledger: Ledger) -> None:
    ((position, recorded), *_) = leaves = append(ledger, Story(seed=6).entries)
    catch_up(engine, ledger, AUDIT)
    state = encode(recorded.entry)
    leaf = audit.leaf_of(recorded.stream, recorded.version, position, topic_of(recorded.entry), state)
    assert leaf == merkle.leaf_hash(content(position, recorded))
    with engine.connect() as connection:
        proof = merkle.inclusion_proof(0, len(leaves), audit.read_tiles(connection, merkle.inclusion_spans(0, len(leaves))))
    merkle.verify_inclusion(0, len(leaves), leaf, proof, *roots(engine, [len(leaves)]))


def test_changes_of_a_booking_are_found_by_its_id(engine: Engine, ledger: Ledger) -> None:
    story = Story(seed=7)
    story.tell(300)
    story.cancel(next(iter(story.events.values())))
    storage.append(ledger, story.entries)
    catch_up(engine, ledger, AUDIT, batch_size=40)
    expected = {
        (recorded.stream if isinstance(recorded.entry, e.EventCancelled) else recorded.entry.booking_id, recorded.version)
        for recorded in story.entries
        if isinstance(recorded.entry, e.EventCancelled | e.BookingChange)
    }
    assert len(expected) > 20
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT subject, version FROM audit_amendments")).all()
    assert {tuple(row) for row in rows} == expected


@pytest.mark.parametrize("damage", ["UPDATE audit_tiles SET hashes = substr(hashes, 33)", "DELETE FROM audit_leaves"])
def test_incomplete_tree_is_not_appended_to(damage: str, engine: Engine, ledger: Ledger) -> None:
    story = Story(seed=8)
    storage.append(ledger, story.entries)
    catch_up(engine, ledger, AUDIT)
    with engine.begin() as connection:
        connection.execute(text(damage))
    storage.append(ledger, story.tell(20))
    with pytest.raises(ProjectionStalled, match="MissingHash"):
        catch_up(engine, ledger, AUDIT)
