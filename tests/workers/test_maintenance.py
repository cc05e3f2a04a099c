"""Maintenance runs what is due, beside the projections."""

from dataclasses import replace

from sqlalchemy import text

from ledger.macs import Macs
from ledger.settings import Settings
from ledger.store import Ledger
from projections.registry import PROJECTORS
from tests.ledger import storage
from tests.own_servers import runtime_url
from tests.projections.stories import Story
from tests.workers.deployment import a_worker, wait_until
from workers.worker import Worker

NOT_YET_VERIFIED = "SELECT count(*) = 0 FROM verifications WHERE finding IS NULL"
OF_ANOTHER_VERSION = "SELECT version = 0 FROM projections WHERE name = 'revenue'"


def _scalar(worker: Worker, statement: str) -> object:
    with worker.engine.begin() as connection:
        result = connection.execute(text(statement))
        return result.scalar() if result.returns_rows else None


def _run_due(worker: Worker) -> bool:
    """Runs what is due. Whether anything was."""
    worker.maintenance.begin()
    was_due = worker.maintenance.is_busy
    wait_until(lambda: not worker.maintenance.is_busy, "what was due")
    return was_due


def _append_and_project(worker: Worker, settings: Settings) -> None:
    story, ledger = Story(seed=3), Ledger(settings.database_url, Macs.open(settings.keys))
    story.tell(50)
    storage.append(ledger, story.entries)
    ledger.close()
    for projector in PROJECTORS.values():
        worker.project(projector)
    wait_until(lambda: bool(_scalar(worker, "SELECT count(*) FROM audit_checkpoints")), "a checkpoint")


def test_maintenance_rebuilds_an_old_version_and_verifies_everything(settings: Settings) -> None:
    settings = replace(settings, database_url=runtime_url(settings.database_url))  # a worker's
    with a_worker(settings) as worker:
        assert not _run_due(worker)  # the ledger is empty
        _append_and_project(worker, settings)
        _scalar(worker, "UPDATE projections SET version = 0 WHERE name = 'revenue'")
        assert _run_due(worker)
        assert not _scalar(worker, OF_ANOTHER_VERSION)
        assert _scalar(worker, NOT_YET_VERIFIED)
        assert _run_due(worker)
        assert not _scalar(worker, NOT_YET_VERIFIED)
        assert not _run_due(worker)
