"""Point-in-time recovery by PostgreSQL's own means, as docs/operations.md has it: what stands is proven under a new origin."""

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

import migrations
from devstack.server_files import server_programs, temporary_directory
from devstack.server_user import run_as_server
from devstack.servers import own_postgres
from ledger.settings import Settings
from projections.engine import catch_up
from projections.proof.checkpoints import FORGOTTEN
from projections.proof.log_keys import begin_origin
from projections.proof.verify import Verifier
from projections.registry import PROJECTORS
from tests.faults.shop import Shop
from tests.ledger import storage
from tests.projections.stories import Story


def _run(*command: str | Path) -> None:
    done = run_as_server(*command)
    assert done.returncode == 0, done.stderr


def _ask(url: str, query: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query).fetchall()[0][0]


def test_recovered_to_a_point_in_time(tmp_path: Path) -> None:
    story, keys = Story(seed=22), tmp_path / "keys"
    with temporary_directory() as directory:
        archive, recovered = directory / "archive", directory / "recovered"
        for made in (archive, recovered):
            _run("mkdir", made)
        archiving = {
            "wal_level": "replica", "max_wal_senders": "3", "archive_mode": "on", "archive_command": f"cp %p {archive}/%f",
        }  # fmt: skip
        (directory / "server").mkdir()
        with own_postgres(directory / "server", changes=archiving) as url:
            migrations.upgrade(url)
            with closing(Shop(url, keys)) as shop:
                storage.append(shop.ledger, story.entries)
                shop.project_and_sign()
                program = server_programs().postgres("pg_basebackup")
                _run(program, "--dbname", url, "--pgdata", recovered / "data", "--wal-method=none", "--checkpoint=fast")
                storage.append(shop.ledger, story.tell(40))
                shop.project_and_sign()
                size = shop.size()
                root = shop.root_at(size)
                _ask(url, "SELECT pg_create_restore_point('before')")
                storage.append(shop.ledger, story.tell(30))
                shop.project_and_sign()
                lost = shop.size() - size
            newest = _ask(url, "SELECT pg_walfile_name(pg_switch_wal())")
            while (_ask(url, "SELECT last_archived_wal FROM pg_stat_archiver") or "") < newest:
                time.sleep(0.05)
        _run("touch", recovered / "data" / "recovery.signal")
        recovery = {
            "restore_command": f"cp {archive}/%f %p", "recovery_target_name": "before", "recovery_target_action": "promote",
        }  # fmt: skip
        began = time.monotonic()
        with own_postgres(recovered, changes=recovery) as url:
            while _ask(url, "SELECT pg_is_in_recovery()"):
                time.sleep(0.05)
            seconds = time.monotonic() - began
            with closing(Shop(url, keys)) as shop:
                for projector in PROJECTORS.values():
                    catch_up(shop.engine, shop.ledger, projector)
                assert (shop.size(), shop.root_at(size)) == (size, root)
                assert shop.worker.sign(shop.engine) is None
                assert _ask(url, "SELECT state FROM audit_signing") == FORGOTTEN
                begin_origin(keys)
                assert shop.worker.sign(shop.engine)
                report = Verifier(Settings(database_url=url, keys_dir=keys)).run()
                assert (report.finding, len(report.given_up)) == (None, 1)
    print(f"R22: recovered {size} entries to a point in time in {seconds:.1f} s, {lost} later ones given up; proven")
