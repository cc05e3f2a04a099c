"""Verification during sales, after a kill, and with checkpoints that others have kept."""

import base64
import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine

from ledger import snapshots
from ledger.keys import KeysError
from ledger.macs import Macs
from ledger.settings import Settings
from ledger.store import Ledger, sqlalchemy_url
from projections.engine import catch_up
from projections.proof.log_keys import begin_origin
from projections.proof.signed_list import LIST_FILE
from projections.proof.signed_notes import NoteError
from projections.proof.verify import Verifier
from projections.proof.verify_checkpoints import accept
from projections.proof.verify_entries import EntryCheck
from projections.registry import PROJECTORS
from tests.ledger import storage
from tests.projections.altering import AlteredCopy, Database, fill
from tests.projections.stories import Story


def test_kept_checkpoint_is_compared(altered: AlteredCopy, tmp_path: Path) -> None:
    """Only a kept checkpoint shows that the holder of the keys has rewritten everything."""
    keys, kept = tmp_path / "keys", tmp_path / "kept.txt"
    shutil.copytree(altered.keys, keys)
    kept.write_text(Database(altered.url).rows("SELECT note FROM audit_checkpoints ORDER BY size DESC LIMIT 1")[0][0])
    size = len(Database(altered.url).rows("SELECT FROM ledger_entries"))
    _rewrite(altered.url, Macs.open(keys))
    (keys / LIST_FILE).unlink()
    settings = Settings(database_url=altered.url, keys_dir=keys)
    assert Verifier(settings).run().finding is None
    finding = Verifier(settings, [kept]).run().finding
    assert finding is not None
    assert f"the checkpoint of {size} entries has another root" in finding.sentence


def _rewrite(url: str, macs: Macs) -> None:
    """Rewrites an entry and every trace of it, in the ledger and in everything derived from it."""
    with psycopg.connect(url) as connection:
        _rewrite_entry(connection, macs)
    engine = create_engine(sqlalchemy_url(url))
    with closing(Ledger(url)) as ledger:
        catch_up(engine, ledger, PROJECTORS["audit"])
    engine.dispose()


def _rewrite_entry(connection: psycopg.Connection[Any], macs: Macs) -> None:
    row = connection.execute("SELECT * FROM ledger_entries WHERE topic = 'seats-booked/1' LIMIT 1").fetchone()
    assert row is not None
    stream, version, topic, state, position, _ = row
    body = json.loads(state)
    body["digest"] = base64.b64encode(bytes(16)).decode()
    new = json.dumps(body, separators=(",", ":")).encode()
    update = "UPDATE ledger_entries SET state = %s, mac = %s WHERE notification_id = %s"
    connection.execute(update, (new, macs.compute(stream, version, topic, new), position))
    connection.execute("DELETE FROM ledger_snapshots")
    connection.execute("TRUNCATE audit_checkpoints, audit_signing, audit_tiles, audit_leaves, audit_amendments")
    connection.execute("UPDATE projections SET position = 0 WHERE name = 'audit'")


def test_snapshot_of_a_later_release_is_skipped_and_reported(altered: AlteredCopy) -> None:
    settings, database = Settings(database_url=altered.url, keys_dir=altered.keys), Database(altered.url)
    before = Verifier(settings).run()
    [(stream, version)] = database.rows("SELECT originator_id, originator_version FROM ledger_snapshots ORDER BY 2 DESC LIMIT 1")
    mac = Macs.open(altered.keys).compute(stream, version, "event-snapshot/99", b"x").hex()
    database.do(
        f"UPDATE ledger_snapshots SET topic = 'event-snapshot/99', state = 'x', mac = decode('{mac}', 'hex')"
        f" WHERE originator_version = {version}"
    )
    report = Verifier(settings).run()
    assert (report.finding, report.later_snapshots) == (None, 1)
    assert report.snapshots == before.snapshots - 1 > 0
    (stream,) = database.rows("SELECT DISTINCT originator_id FROM ledger_snapshots")[0]
    with closing(Ledger(altered.url)) as ledger:
        snapshot = storage.latest_snapshot(ledger, stream)
        assert snapshot is not None
        assert snapshot.topic in snapshots.TOPICS


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "kept.txt: "),
        (b"\xff\xfe", "kept.txt: "),
        (b"seatledger-0000/1\n1\nAAAA\n", "kept.txt: "),
        (b'"not a note"\n', "kept.txt: "),
        (b'"cut off', "kept.txt: "),
    ],
)
def test_file_without_a_checkpoint_is_refused(altered: AlteredCopy, tmp_path: Path, content: bytes, sentence: str) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_bytes(content)
    with pytest.raises(NoteError) as refused:
        Verifier(Settings(database_url=altered.url, keys_dir=altered.keys), [kept]).run()
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)


def _line(place: int, **changed: str) -> Callable[[list[str]], list[str]]:
    """Changes the origin, size, root or signature in a line of the list."""

    def damaged(lines: list[str]) -> list[str]:
        names = ("origin", "size", "root", "empty", "signature", "end")
        parts = dict(zip(names, json.loads(lines[place]).split("\n"), strict=True)) | changed
        return [*lines[:place], json.dumps("\n".join(parts.values())), *lines[place + 1 :]]

    return damaged


def _one_larger(lines: list[str]) -> list[str]:
    size = int(json.loads(lines[1]).split("\n")[1])
    return _line(1, size=str(size + 1))(lines)


def _signed_by_nobody(lines: list[str]) -> list[str]:
    origin = json.loads(lines[-1]).split("\n")[0]
    signature = base64.b64encode(bytes(68)).decode()
    return _line(3, signature=f"\u2014 {origin} {signature}")(lines)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (
            _line(1, root=base64.b64encode(bytes(32)).decode()),
            "checkpoint-list, the checkpoint of .* entries: The signature of .* fit",
        ),
        (_one_larger, "checkpoint-list, the checkpoint of .* entries: The signature of .* fit"),
        (_line(1, origin="seatledger-00000000/1"), "checkpoint-list, the checkpoint of .* entries: No key that is known"),
        (_signed_by_nobody, "checkpoint-list, the checkpoint of .* entries: No key that is known"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "Line 2 of checkpoint-list is of no more leaves than one before it."),
        (lambda lines: [*lines, lines[-1]], "Line 5 of checkpoint-list is of no more leaves than one before it."),
        (lambda lines: [lines[0], '"no note"', *lines[2:]], "Line 2 of checkpoint-list: There is no empty line"),
    ],
)
def test_damaged_list_is_reported_as_such(
    altered: AlteredCopy, tmp_path: Path, damage: Callable[[list[str]], list[str]], sentence: str
) -> None:
    keys = shutil.copytree(altered.keys, tmp_path / "keys")
    path = keys / LIST_FILE
    path.write_text("".join(f"{line}\n" for line in damage(path.read_text().splitlines())))
    with pytest.raises(NoteError, match=sentence):
        Verifier(Settings(database_url=altered.url, keys_dir=keys)).run()


def test_new_origin_does_not_cover_entries_without_a_mac(altered: AlteredCopy, tmp_path: Path) -> None:
    """Entries older than the first checkpoint need no MAC. A checkpoint that does not match any more proves nothing about them."""
    keys = shutil.copytree(altered.keys, tmp_path / "keys")
    with psycopg.connect(altered.url) as connection:
        connection.execute("UPDATE ledger_entries SET mac = NULL")
        connection.execute("TRUNCATE audit_checkpoints, audit_signing")
    begin_origin(keys)
    settings = Settings(database_url=altered.url, keys_dir=keys)
    finding = Verifier(settings).run().finding
    assert finding is not None
    assert "carries no MAC" in finding.sentence
    accept(keys, 10**6)
    report = Verifier(settings).run()
    assert (report.finding, len(report.given_up)) == (None, 1)


def test_verification_without_keys_is_refused(altered: AlteredCopy, tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="holds no keys"):
        Verifier(Settings(database_url=altered.url, keys_dir=tmp_path)).run()
    assert list(tmp_path.iterdir()) == []


def test_verification_continues_where_it_was_killed(altered: AlteredCopy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.proof.verify.SAVE_EVERY", 50)
    taken: list[int] = []

    class Killed(BaseException):
        pass

    def take(self: EntryCheck, row: Any, stored: Any) -> None:
        taken.append(row[4])
        if len(taken) == 120:
            raise Killed
        real(self, row, stored)

    real = EntryCheck.take
    monkeypatch.setattr(EntryCheck, "take", take)
    with pytest.raises(Killed):
        altered.verify_after()
    report = altered.verify_after()
    assert report.finding is None
    assert len(taken) == 120 + report.entries - 100
    assert altered.verify_after().finding is None
    assert len(taken) == 120 + 2 * report.entries - 100


def test_sales_during_a_verification_are_no_alteration(database_url: str, tmp_path: Path) -> None:
    """And projected, between one step of a verification and the next."""
    engine, story, sold = create_engine(sqlalchemy_url(database_url)), Story(seed=77), list[str]()
    with closing(Ledger(database_url, Macs.open(tmp_path))) as ledger:
        fill(database_url, ledger, tmp_path)

        def sell(what: str, done: int, total: int) -> None:
            storage.append(ledger, story.tell(5) if sold else story.entries)
            sold.append(what)
            for projector in PROJECTORS.values():
                catch_up(engine, ledger, projector)

        report = Verifier(Settings(database_url=database_url, keys_dir=tmp_path), on_progress=sell).run()
    engine.dispose()
    assert report.finding is None
    assert {"snapshots", "read tables", "comparing"} <= set(sold)


def test_alteration_of_verified_entries_after_a_kill_is_found(altered: AlteredCopy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tree and the read tables made to match: only the root that was worked out before the kill knows."""
    monkeypatch.setattr("projections.proof.verify.SAVE_EVERY", 50)

    class Killed(BaseException):
        pass

    def killed(what: str, done: int, total: int) -> None:
        raise Killed

    monkeypatch.setattr("projections.proof.verify.PAGE", 100)
    with pytest.raises(Killed):
        Verifier(Settings(database_url=altered.url, keys_dir=altered.keys), on_progress=killed).run()
    with psycopg.connect(altered.url) as connection:
        connection.execute("UPDATE ledger_entries SET state = state || ' '::bytea WHERE notification_id = 5")
        connection.execute("TRUNCATE audit_tiles, audit_leaves, audit_amendments")
        connection.execute("UPDATE projections SET position = 0 WHERE name = 'audit'")
    engine = create_engine(sqlalchemy_url(altered.url))
    with closing(Ledger(altered.url)) as ledger:
        catch_up(engine, ledger, PROJECTORS["audit"])
    engine.dispose()
    finding = altered.verify_after().finding
    assert finding is not None
    assert "was altered during the verification" in finding.sentence


def test_kept_checkpoint_matches_under_a_new_origin(altered: AlteredCopy, tmp_path: Path) -> None:
    keys, kept = tmp_path / "keys", tmp_path / "kept.txt"
    shutil.copytree(altered.keys, keys)
    kept.write_text(Database(altered.url).rows("SELECT note FROM audit_checkpoints ORDER BY size DESC LIMIT 1")[0][0])
    _rewrite(altered.url, Macs.open(keys))
    begin_origin(keys)
    (keys / LIST_FILE).unlink()
    settings = Settings(database_url=altered.url, keys_dir=keys)
    assert Verifier(settings).run().finding is None
    assert Verifier(settings, [kept]).run().finding is not None
