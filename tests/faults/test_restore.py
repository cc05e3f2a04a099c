"""A backup made during bookings is restored: root hash and rows are the same. Signing stops, because the backup lacks checkpoints
that were signed after it (R14)."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from devstack.server_files import installed_programs
from ledger.settings import Settings
from projections.engine import catch_up
from projections.proof.checkpoints import FORGOTTEN
from projections.proof.log_keys import begin_origin
from projections.proof.verify import Verifier
from projections.rebuild.rebuilder import Rebuilder
from projections.registry import PROJECTORS
from tests.conftest import PostgresServer
from tests.faults.shop import Shop
from tests.ledger import storage
from tests.projections.stories import Story


@pytest.fixture
def restored_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty database without migrations."""
    name = f"restored_{uuid4().hex[:8]}"
    yield postgres_server.create(name)
    postgres_server.drop(name)


def _dump(url: str, file: Path) -> None:
    program = installed_programs().postgres("pg_dump")
    subprocess.run([program, "--format=custom", f"--file={file}", url], check=True, capture_output=True)


def _restore(url: str, file: Path) -> None:
    program = installed_programs().postgres("pg_restore")
    subprocess.run([program, "--no-owner", "--exit-on-error", f"--dbname={url}", file], check=True, capture_output=True)


def test_backup_under_load_restores_consistently(database_url: str, restored_url: str, tmp_path: Path) -> None:
    story, file, keys = Story(seed=14), tmp_path / "backup", tmp_path / "keys"
    with closing(Shop(database_url, keys)) as shop, ThreadPoolExecutor(1) as threads:
        storage.append(shop.ledger, story.entries)
        storage.append(shop.ledger, story.tell(100))
        shop.project_and_sign()
        dumping = threads.submit(_dump, database_url, file)
        while not dumping.done():
            storage.append(shop.ledger, story.tell(5))
            shop.project_and_sign()
        dumping.result()
        storage.append(shop.ledger, story.tell(50))
        shop.project_and_sign()
        _restore(restored_url, file)
        with closing(Shop(restored_url, keys)) as restored:
            _check(shop, restored)


def _check(shop: Shop, restored: Shop) -> None:
    for projector in PROJECTORS.values():
        catch_up(restored.engine, restored.ledger, projector)
    size = restored.size()
    assert 0 < size < shop.size()
    assert restored.root_at(size) == shop.root_at(size)
    with closing(Rebuilder(restored.url, restored.ledger)) as rebuilder:
        assert [comparison.difference for comparison in rebuilder.rebuild(list(PROJECTORS.values()))] == [None] * len(PROJECTORS)
    assert restored.root_at(size) == shop.root_at(size)
    restored.worker.sign(restored.engine)
    with psycopg.connect(restored.url) as connection:
        assert connection.execute("SELECT state FROM audit_signing").fetchall() == [(FORGOTTEN,)]
    assert Verifier(Settings(database_url=shop.url, keys_dir=shop.keys)).run().finding is None
    settings = Settings(database_url=restored.url, keys_dir=shop.keys)
    finding = Verifier(settings).run().finding
    assert finding is not None
    begin_origin(shop.keys)
    assert restored.worker.sign(restored.engine) is not None
    report = Verifier(settings).run()
    assert (report.finding, len(report.given_up)) == (None, 1)
    print(f"R14: restored {size} of {shop.size()} entries: the same root, rows as rebuilt; signing stopped. {finding.sentence}")
