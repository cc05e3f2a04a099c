"""Signing checkpoints: only a tree that has grown and begins with the one signed before, by one worker at a time."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger.keys import KeysError
from ledger.store import Ledger
from projections import audit, merkle
from projections.engine import catch_up
from projections.proof.checkpoints import FORGOTTEN, INCONSISTENT, SIGNING, CheckpointSigner
from projections.proof.log_keys import LogKeys, begin_origin, read_origin
from projections.proof.signed_list import LIST_FILE, SignedList, read_list
from projections.proof.signed_notes import Note, NoteError, VerifierKey
from projections.registry import PROJECTORS
from tests.ledger import storage
from tests.projections.signed_log import Log

ROOT = Path(__file__).parent.parent.parent


def test_only_a_tree_that_has_grown_is_signed(log: Log) -> None:
    assert log.sign() is None, "the tree is empty"
    for _ in range(3):
        log.grow()
        made = log.sign()
        assert made is not None
        with log.engine.connect() as connection:
            assert (made.size, made.root) == (log.size(), audit.root_at(connection, made.size))
        assert log.sign() is None
    listed = [LogKeys.open(log.keys).read(note) for note in read_list(log.keys / LIST_FILE)]
    assert log.stored() == listed
    assert len(listed) == 3
    assert log.state() == SIGNING
    assert (log.keys / LIST_FILE).stat().st_mode & 0o777 == 0o600


def test_first_checkpoint_waits_for_all_entries_without_a_mac(log: Log) -> None:
    storage.append(log.ledger, log.story.tell(50))
    log.execute("UPDATE ledger_entries SET mac = NULL")
    head = log.ledger.head()
    catch_up(log.engine, log.ledger, PROJECTORS["audit"], batch_size=10, at_most=10)
    assert log.size() == 10
    assert log.sign() is None
    log.project()
    storage.append(log.ledger, log.story.tell(5))  # with a MAC: the checkpoint does not wait for them
    made = log.sign()
    assert made is not None
    assert made.size == head


def test_signing_keeps_the_least_time_between_two_checkpoints(log: Log) -> None:
    log.worker = CheckpointSigner(log.keys, log.ledger, seconds=0.5)
    log.grow()
    assert log.sign()
    log.grow()
    assert log.sign() is None
    time.sleep(0.6)
    assert log.sign()


def test_concurrent_workers_sign_a_tree_once(log: Log) -> None:
    for _ in range(5):
        log.grow()
        workers = [
            threading.Thread(target=CheckpointSigner(log.keys, log.ledger, seconds=0).sign, args=(log.engine,)) for _ in range(8)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    sizes = [checkpoint.size for checkpoint in log.stored()]
    assert sizes == sorted(set(sizes))
    assert len(sizes) == len(list(read_list(log.keys / LIST_FILE))) == 5


def test_restored_backup_stops_signing(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    log.grow()
    log.sign()
    log.grow()
    signed = log.sign()
    assert signed is not None
    log.restore_backup_without(5)
    log.worker = CheckpointSigner(log.keys, log.ledger, seconds=0)  # the worker is restarted
    for _ in range(5):
        assert log.sign() is None
    assert log.state() == FORGOTTEN
    message = f"forgotten. The tree has {signed.size - 5} leaves, and {signed.size} were signed: a restored backup lacks some."
    assert [record.message for record in caplog.records] == [f"No checkpoint is signed: {message}"]
    log.grow(60)  # sales continue past the signed size
    assert log.size() > signed.size
    assert log.sign() is None
    assert log.state() == FORGOTTEN


def test_new_origin_is_begun_by_the_operator(log: Log) -> None:
    log.grow()
    log.sign()
    old = read_origin(log.keys)
    log.restore_backup_without(5)
    assert log.sign() is None
    done = subprocess.run(
        [sys.executable, "-m", "projections", "new-origin"], cwd=ROOT, env={"KEYS_DIR": str(log.keys)}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    key = VerifierKey.parse(done.stdout.splitlines()[-1])
    assert (old[-2:], key.name) == ("/1", old[:-1] + "2")
    made = log.sign()
    assert made is not None
    assert (made.origin, made.size, log.state()) == (key.name, log.size(), SIGNING)
    assert log.stored()[-1] == made
    assert len(list(read_list(log.keys / LIST_FILE))) == 2


def test_restored_backup_with_all_signed_entries_continues_signing(log: Log) -> None:
    log.grow()
    log.sign()
    unsigned = log.story.tell(20)
    storage.append(log.ledger, unsigned)
    log.restore_backup_without(len(unsigned))
    assert log.sign() is None
    assert log.state() == SIGNING


ALTERATIONS = {
    "a leaf": "UPDATE audit_tiles SET hashes = overlay(hashes PLACING '\\x00'::bytea FROM 40) WHERE level = 0",
    "a missing leaf": "UPDATE audit_tiles SET hashes = substr(hashes, 33) WHERE level = 0 AND tile = 0",
    "the checkpoint's text": "UPDATE audit_checkpoints SET note = replace(note, E'\\n\\n', E'x\\n\\n')",
    "its size": "UPDATE audit_checkpoints SET size = size + 1",
    "its signature": "UPDATE audit_checkpoints SET note = note || note",
}


@pytest.mark.parametrize("what", ALTERATIONS)
def test_altered_tree_or_checkpoint_is_never_signed(what: str, log: Log) -> None:
    log.grow(100)
    log.sign()
    log.execute(ALTERATIONS[what])
    storage.append(log.ledger, log.story.tell(300))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "tree_size", lambda connection: 10_000)  # even if it looks large enough
        assert log.sign() is None
    assert log.state() == INCONSISTENT


def test_signing_waits_while_the_tree_is_folded_again(log: Log) -> None:
    log.grow()
    made = log.sign()
    log.execute("TRUNCATE audit_tiles, audit_leaves, audit_amendments")
    log.execute("UPDATE projections SET position = 0 WHERE name = 'audit'")
    assert log.sign() is None
    assert log.state() == SIGNING, "the entries exist: the tree will grow again"
    log.grow()
    again = log.sign()
    assert made is not None
    assert again is not None
    assert again.size > made.size


def test_checkpoint_signed_before_a_crash_is_stored_after_it(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.grow()
    with monkeypatch.context() as patch:
        patch.setattr("projections.proof.checkpoints._store", _crash)
        with pytest.raises(KeyboardInterrupt):
            log.sign()
    assert log.stored() == []
    assert len(list(read_list(log.keys / LIST_FILE))) == 1
    log.grow()
    log.sign()
    assert len(log.stored()) == len(list(read_list(log.keys / LIST_FILE))) == 2


def test_checkpoints_signed_before_two_crashes_in_a_row_are_stored_after_them(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each crash comes between the list and the commit, and takes back what that transaction has stored."""
    append = SignedList.append

    def append_and_crash(signed: SignedList, note: str) -> None:
        append(signed, note)
        raise KeyboardInterrupt

    for _ in range(2):
        log.grow()
        with monkeypatch.context() as patch:
            patch.setattr(SignedList, "append", append_and_crash)
            with pytest.raises(KeyboardInterrupt):
                log.sign()
    log.sign()
    listed = [LogKeys.open(log.keys).read(note) for note in read_list(log.keys / LIST_FILE)]
    assert len(listed) == 2
    assert log.stored() == listed


def _crash(*_: object) -> None:
    raise KeyboardInterrupt


def test_line_cut_off_by_a_crash_is_removed(log: Log) -> None:
    log.grow()
    log.sign()
    path = log.keys / LIST_FILE
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    log.grow()
    assert log.sign()
    assert [checkpoint.size for checkpoint in log.stored()] == [LogKeys.open(log.keys).read(note).size for note in read_list(path)]


def test_without_the_list_the_stored_checkpoints_count(log: Log) -> None:
    log.grow()
    log.sign()
    (log.keys / LIST_FILE).unlink()
    log.execute(ALTERATIONS["a leaf"])
    assert log.sign() is None
    assert log.state() == INCONSISTENT


def test_new_key_signs_and_old_keys_are_accepted(log: Log) -> None:
    log.grow()
    old = log.sign()
    (log.keys / "checkpoints.2").write_bytes(bytes(32))
    log.grow()
    new = log.sign()
    assert log.stored() == [old, new]
    keys, notes = LogKeys.open(log.keys), list(read_list(log.keys / LIST_FILE))
    ids = [Note.parse(note).signatures[0].key_id for note in notes]
    assert ids[0] != ids[1] == keys.signer(read_origin(log.keys)).key.id
    assert keys.signer(read_origin(log.keys), ids[0]).key.id == ids[0]


def _no_json(path: Path) -> None:
    path.write_bytes(b"what is this?\n")


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _long(path: Path) -> None:
    path.write_bytes(b"x" * 100_000)


@pytest.mark.parametrize("damage", [_no_json, _cut_off, _long])
def test_invalid_list_is_refused_in_one_sentence(damage: Callable[[Path], None], log: Log) -> None:
    log.grow()
    log.sign()
    damage(log.keys / LIST_FILE)
    with pytest.raises(NoteError, match=rf"^Line 1 of {LIST_FILE} is .*\.$"):
        list(read_list(log.keys / LIST_FILE))


@pytest.mark.parametrize("content", ["", "one two/1", "no-number\n", "a+b/1\n", "x/0\n"])
def test_invalid_origin_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "checkpoint-origin").write_text(content)
    with pytest.raises(KeysError, match="does not name an origin"):
        read_origin(tmp_path)
    with pytest.raises(KeysError):
        begin_origin(tmp_path)


def test_unusable_keys_are_logged_once_a_minute(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    log.grow()
    log.keys.write_text("no directory")
    for _ in range(3):
        assert log.sign() is None
    assert len(caplog.records) == 1


def test_list_has_one_json_string_a_line(log: Log) -> None:
    log.grow()
    made = log.sign()
    (line,) = (log.keys / LIST_FILE).read_text().splitlines()
    assert LogKeys.open(log.keys).read(json.loads(line)) == made


# --- leaves that are no entries


def forge_leaf(log: Log) -> None:
    """Puts a leaf at the end of the stored tree, with the last entry's position, as the role of the processes can."""
    with log.engine.begin() as connection:
        size = audit._append(connection, bytes(32))
        position = log.ledger.head().to_bytes(8, "big")
        parameters = {"tile": size // merkle.WIDTH, "position": position}
        connection.execute(text("UPDATE audit_leaves SET positions = positions || :position WHERE tile = :tile"), parameters)


@pytest.mark.parametrize("is_first", [False, True], ids=["later", "under the first checkpoint"])
def test_leaf_of_no_entry_is_never_signed(log: Log, caplog: pytest.LogCaptureFixture, is_first: bool) -> None:
    log.grow()
    if not is_first:
        assert log.sign()
    forge_leaf(log)
    log.grow()
    storage.append(log.ledger, log.story.tell(5))  # not in the tree yet
    signed = log.stored()
    assert log.sign() is None
    assert (log.state(), log.stored()) == (INCONSISTENT, signed)
    assert "are not those of the ledger's entries" in caplog.text
    log.execute("TRUNCATE audit_tiles, audit_leaves, audit_amendments")  # a rebuild makes the tree from the entries
    log.execute("UPDATE projections SET position = 0 WHERE name = 'audit'")
    log.project()
    made = log.sign()
    assert made is not None
    assert (made.size, log.state()) == (log.size(), SIGNING)


def test_more_leaves_than_entries_are_never_signed(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    log.grow()
    assert log.sign()
    forge_leaf(log)
    assert log.sign() is None
    assert log.state() == INCONSISTENT
    assert f"The tree has {log.size()} leaves, and the ledger {log.size() - 1} entries" in caplog.text


@pytest.mark.parametrize("mac", ["NULL", "set_byte(mac, 5, get_byte(mac, 5) # 1)"], ids=["no MAC", "a wrong MAC"])
def test_entry_that_seatledger_did_not_write_is_never_signed(log: Log, database_url: str, mac: str) -> None:
    """Also where somebody has put its leaf into the tree, at which the projection stalls."""
    log.grow()
    assert log.sign()
    storage.append(log.ledger, log.story.tell(5))
    log.execute(f"UPDATE ledger_entries SET mac = {mac} WHERE notification_id = {log.ledger.head()}")
    with closing(Ledger(database_url)) as unchecked:
        catch_up(log.engine, unchecked, PROJECTORS["audit"])
    assert log.sign() is None
    assert log.state() == INCONSISTENT


@pytest.mark.parametrize("steps", [20, 300])
def test_checkpoint_does_not_follow_another_entry_than_the_last_that_was_signed(log: Log, steps: int) -> None:
    """Who alters the position of the last signed leaf could leave out entries after it, or repeat some."""
    log.grow(steps)
    assert log.sign()
    log.execute("UPDATE audit_leaves SET positions = set_byte(positions, octet_length(positions) - 1,"
                " get_byte(positions, octet_length(positions) - 1) - 1)")  # fmt: skip
    log.grow()
    log.worker = CheckpointSigner(log.keys, log.ledger, seconds=0)  # one that has signed nothing yet
    assert log.sign() is None
    assert log.state() == INCONSISTENT


def test_many_entries_are_signed_in_portions(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.proof.entry_tree.PAGE", 7)
    monkeypatch.setattr("projections.proof.checkpoints.MAX_ENTRIES", 100)
    log.grow(300)
    for worker in (log.worker, CheckpointSigner(log.keys, log.ledger, seconds=0)) * 5:
        worker.sign(log.engine)
    sizes = [checkpoint.size for checkpoint in log.stored()]
    assert sizes == [*range(100, log.size(), 100), log.size()]
    with log.engine.connect() as connection:
        assert [one.root for one in log.stored()] == [audit.root_at(connection, size) for size in sizes]


def test_first_checkpoint_has_all_entries_without_a_mac_also_where_they_are_many(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.proof.checkpoints.MAX_ENTRIES", 30)
    storage.append(log.ledger, log.story.tell(70))
    log.execute("UPDATE ledger_entries SET mac = NULL")
    without = log.ledger.head()
    storage.append(log.ledger, log.story.tell(100))
    log.project()
    made = [log.sign() for _ in range(1 + without // 30)]
    assert made[:-1] == [None] * (without // 30)
    first = made[-1]
    assert first is not None
    assert without <= first.size < log.size()
