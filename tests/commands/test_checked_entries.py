"""What a process reads is checked against its MAC: which entries may lack one, snapshots, and keys that are added later."""

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from ledger import entries as e
from ledger import snapshots
from ledger.errors import EventSealed
from ledger.keys import Keyring
from ledger.macs import ACCEPTED_FILE, MacCheck, Macs
from ledger.mapper import Forged, encode
from ledger.pool import Pool, make_pool
from ledger.settings import Settings
from ledger.store import Ledger
from ledger.streams import Streams
from tests.commands import selling as t
from tests.ledger import scenario as s
from tests.ledger import storage

OLD, NEW, LONG = UUID(int=1), UUID(int=2), UUID(int=3)


def insert(url: str, stream: UUID, version: int, entry: e.Entry, macs: Macs | None) -> int:
    row = (stream, version, e.topic_of(entry), encode(entry))
    with psycopg.connect(url) as connection:
        sql = "INSERT INTO ledger_entries (originator_id, originator_version, topic, state, mac) VALUES (%s, %s, %s, %s, %b)"
        mac = macs.compute(*row) if macs else None
        [(position,)] = connection.execute(f"{sql} RETURNING notification_id", (*row, mac)).fetchall()
    return int(position)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with make_pool(Settings(database_url=database_url)) as pool:
        yield pool


@pytest.fixture
def macs(tmp_path: Path) -> Macs:
    return Macs.open(tmp_path)


async def test_entries_older_than_macs_are_read(database_url: str, pool: Pool, macs: Macs) -> None:
    insert(database_url, OLD, 1, s.scheduled(), None)
    streams = Streams(pool, MacCheck(macs))
    assert await streams.load(OLD) is not None
    insert(database_url, OLD, 2, s.booked(s.ALICE, s.general(1)), None)
    with closing(Ledger(database_url, macs)) as ledger:
        assert (await streams.load(OLD) or s.replayed()).version == 2
        insert(database_url, NEW, 1, s.scheduled(), macs)
        forged = insert(database_url, OLD, 3, s.booked(s.BOB, s.general(1)), None)
        with pytest.raises(EventSealed) as sealed:
            await streams.load(OLD)
        assert sealed.value.facts == {"position": forged}
        assert await streams.load(NEW) is not None
        assert {OLD, NEW} - (await streams.load_short([OLD, NEW])).keys() == {OLD}
        with pytest.raises(EventSealed):
            await streams.entries(OLD, [1, 3])
        with pytest.raises(EventSealed):
            await streams.entry_at(forged)
        with pytest.raises(EventSealed):
            ledger.current_event(OLD)
        assert [type(recorded.entry) for recorded in ledger.read(0, 10)] == [
            e.EventScheduled, e.SeatsBooked, e.EventScheduled, Forged,
        ]  # fmt: skip
        assert streams.forged_entries_read > 0


async def test_accepted_entries_are_read_at_once(database_url: str, pool: Pool, macs: Macs, tmp_path: Path) -> None:
    insert(database_url, NEW, 1, s.scheduled(), macs)
    insert(database_url, OLD, 1, s.scheduled(), None)
    streams = Streams(pool, MacCheck(macs))
    with closing(Ledger(database_url, macs)) as ledger:
        with pytest.raises(EventSealed):
            await streams.load(OLD)
        with pytest.raises(EventSealed):
            ledger.current_event(OLD)
        (tmp_path / ACCEPTED_FILE).write_text("2\n")
        assert await streams.load(OLD) is not None
        assert ledger.current_event(OLD) is not None
        insert(database_url, OLD, 2, s.booked(s.ALICE, s.general(1)), None)
        with pytest.raises(EventSealed):
            await streams.load(OLD)


async def test_position_before_the_first_is_no_way_in(database_url: str, pool: Pool, macs: Macs) -> None:
    insert(database_url, NEW, 1, s.scheduled(), macs)
    with psycopg.connect(database_url) as connection:
        row = (OLD, "event-scheduled/1", encode(s.scheduled()))
        columns = "originator_id, originator_version, topic, state, notification_id"
        connection.execute(f"INSERT INTO ledger_entries ({columns}) VALUES (%s, 1, %s, %s, -5)", row)
    with pytest.raises(EventSealed):
        await Streams(pool, MacCheck(macs)).load(OLD)


@pytest.mark.parametrize("mac", ["NULL", "set_byte(mac, 3, get_byte(mac, 3) # 1)"])
async def test_snapshot_without_a_valid_mac_is_ignored(database_url: str, pool: Pool, mac: str) -> None:
    t.fill(database_url, LONG, capacity=60, bookings=50)
    with closing(Ledger(database_url, storage.MACS)) as ledger:
        event = ledger.current_event(LONG)
        assert event is not None
        ledger.save_snapshot(snapshots.take(event))
        assert storage.latest_snapshot(ledger, LONG) is not None
        with psycopg.connect(database_url) as connection:
            connection.execute(f"UPDATE ledger_snapshots SET mac = {mac}".encode())
            connection.execute("UPDATE ledger_snapshots SET state = '\\x00'")  # restoring it would fail
        assert storage.latest_snapshot(ledger, LONG) is None
        again, loaded = ledger.current_event(LONG), await Streams(pool, MacCheck(storage.MACS)).load(LONG)
        assert again is not None
        assert loaded is not None
        assert s.state(again) == s.state(loaded) == s.state(event)
        ledger.save_snapshot(snapshots.take(event))  # takes the place of the one of the last release
        assert storage.latest_snapshot(ledger, LONG) is not None


def test_key_that_was_added_later_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.macs._REOPEN_SECONDS", 0.0)
    old = Macs.open(tmp_path)
    (tmp_path / "ledger.2").write_bytes(bytes(32))
    new, entry = Macs.open(tmp_path), (OLD, 1, "event-scheduled/1", b"{}")
    assert old.verify(new.compute(*entry), *entry)
    assert new.verify(old.compute(*entry), *entry)
    assert not Macs(Keyring({1: bytes(32)})).verify(new.compute(*entry), *entry)
    assert not old.verify(b"\x03" + bytes(16), *entry)
