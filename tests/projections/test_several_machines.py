"""Several machines sign one log, each with a copy of the keys and a list of its own."""

import shutil
import threading
from pathlib import Path

import pytest

from ledger.settings import Settings
from projections.proof.checkpoints import CheckpointSigner
from projections.proof.log_keys import LogKeys, begin_origin
from projections.proof.signed_list import LIST_FILE, read_list
from projections.proof.verify import Verifier
from projections.proof.verify_entries import Finding
from tests.projections.signed_log import Log


@pytest.fixture
def machines(log: Log, tmp_path: Path) -> list[CheckpointSigner]:
    """Two machines with copies of one KEYS_DIR, made after the first checkpoint; the first is that of `log`."""
    log.grow()
    log.sign()
    shutil.copytree(log.keys, tmp_path / "other")
    return [CheckpointSigner(keys, log.ledger, seconds=0) for keys in (log.keys, tmp_path / "other")]


def _finding(database_url: str, keys: Path) -> Finding | None:
    """What `verify` finds on the machine with these keys."""
    (keys / "ledger.1").write_bytes(bytes(32))  # as of s.MACS
    return Verifier(Settings(database_url=database_url, keys_dir=keys)).run().finding


def test_two_machines_sign_one_log(log: Log, machines: list[CheckpointSigner], tmp_path: Path, database_url: str) -> None:
    for turn in range(7):
        log.grow(3)
        assert machines[turn // 2 % 2].sign(log.engine), "also twice in turn"
    for keys in (log.keys, tmp_path / "other"):
        assert _finding(database_url, keys) is None
        listed = [LogKeys.open(keys).read(note) for note in read_list(keys / LIST_FILE)]
        assert listed == log.stored()


def test_two_machines_sign_at_once(log: Log, machines: list[CheckpointSigner], tmp_path: Path, database_url: str) -> None:
    for _ in range(4):
        log.grow(3)
        workers = [threading.Thread(target=machine.sign, args=(log.engine,)) for machine in machines * 3]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    sizes = [checkpoint.size for checkpoint in log.stored()]
    assert sizes == sorted(set(sizes))
    for keys in (log.keys, tmp_path / "other"):
        assert _finding(database_url, keys) is None


def test_machine_that_crashed_before_it_stored(
    log: Log, machines: list[CheckpointSigner], tmp_path: Path, database_url: str
) -> None:
    """Its list has a checkpoint that the database lacks; meanwhile another machine signs a later one."""
    log.grow(3)
    assert machines[0].sign(log.engine)
    log.execute(f"DELETE FROM audit_checkpoints WHERE size = {log.size()}")
    log.grow(3)
    assert machines[1].sign(log.engine)
    log.grow(3)
    assert machines[0].sign(log.engine), "and stores the earlier one, too"
    for keys in (log.keys, tmp_path / "other"):
        assert _finding(database_url, keys) is None


def test_new_origin_with_keys_that_were_copied_once(
    log: Log, machines: list[CheckpointSigner], tmp_path: Path, database_url: str
) -> None:
    """After a recovery to a point in time: the copied list knows nothing of what was signed later, and the database of a part."""
    for _ in range(3):
        log.grow(5)
        log.sign()
    size = log.size()
    log.grow(8)
    log.sign()
    log.restore_backup_without(log.size() - size)
    begin_origin(tmp_path / "other")
    assert machines[1].sign(log.engine)
    assert _finding(database_url, tmp_path / "other") is None


def test_list_that_was_copied_excuses_no_missing_mac(log: Log, tmp_path: Path, database_url: str) -> None:
    """The database's owner removes the MACs and adds an entry; a machine without a list would take the first row for the first
    checkpoint, which may cover entries without a MAC."""
    for _ in range(2):
        log.grow(5)
        log.sign()
    fresh = tmp_path / "fresh"
    shutil.copytree(log.keys, fresh)
    (fresh / LIST_FILE).unlink()
    log.execute("UPDATE ledger_entries SET mac = NULL")
    log.execute(
        "INSERT INTO ledger_entries (originator_id, originator_version, topic, state) SELECT originator_id,"
        " (SELECT max(originator_version) + 1 FROM ledger_entries AS last WHERE last.originator_id = booking.originator_id),"
        " topic, state FROM ledger_entries AS booking WHERE topic LIKE 'seats-booked/%' LIMIT 1"
    )
    log.ledger.forget()
    log.project()
    assert CheckpointSigner(log.keys, log.ledger, seconds=0).sign(log.engine)
    log.execute(f"DELETE FROM audit_checkpoints WHERE size < {log.size()}")
    assert _finding(database_url, log.keys) is not None
    assert _finding(database_url, fresh) is not None


def test_list_that_is_lost_is_made_anew(log: Log, database_url: str) -> None:
    for _ in range(3):
        log.grow(3)
        log.sign()
    (log.keys / LIST_FILE).unlink()
    log.grow(3)
    assert log.sign()
    assert len(list(read_list(log.keys / LIST_FILE))) == 4
    assert _finding(database_url, log.keys) is None
