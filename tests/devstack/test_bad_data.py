"""Unusable data and full disks: the message is one sentence, and nothing incomplete is left."""

from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

import migrations
from devstack.server_user import ServerError
from devstack.servers import own_postgres
from tests.devstack.stack_process import environment_of, refusal
from tests.faults.clusters import small_disk
from tests.tools import needs_root

needs_disk = needs_root("it mounts a disk, which takes root")


@needs_disk
def test_full_disk_is_refused_before_the_start(server_directory: Path) -> None:
    with small_disk(server_directory / "disk", 40) as disk:
        said = refusal(environment_of(disk / "data"))
        assert list(disk.iterdir()) == []
    assert said == (
        f"The disk of the data directory {disk}/data has 41 MB left, "
        "and Seatledger needs 100: free some space, or set DATA_DIR to another directory.\n"
    )


@needs_disk
def test_disk_that_fills_during_initdb_is_reported(server_directory: Path) -> None:
    with small_disk(server_directory / "disk", 20) as disk:
        with (
            pytest.raises(ServerError, match=r"^PostgreSQL's initdb failed: .*No space left on device"),
            own_postgres(disk / "own"),
        ):
            pass
        assert not {"data", "data.new"} & {path.name for path in (disk / "own").iterdir()}


@needs_disk
def test_disk_without_space_for_a_file_is_reported(server_directory: Path) -> None:
    with small_disk(server_directory / "disk", 1) as disk:
        with suppress(OSError):
            for number in range(10_000):
                (disk / str(number)).write_bytes(b"x")
        said = refusal(environment_of(disk, DATABASE_URL="postgresql:///unused"))
    assert said == f"The data directory {disk} is not writable (No space left on device): set DATA_DIR to another directory.\n"


def test_database_of_a_newer_version_is_refused(database_url: str, redis_url: str, tmp_path: Path) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert refusal(environment_of(tmp_path, DATABASE_URL=database_url, REDIS_URL=redis_url, ALLOW_UNSAFE_DATABASE="1")) == (
        "The database can't be migrated: It is at step 9999, which this Seatledger does not know: "
        "start the newer one that made it, or set DATA_DIR (or DATABASE_URL) to another.\n"
    )
    assert migrations.current(database_url) == "9999"


def test_data_of_another_postgresql_version_are_refused(server_directory: Path) -> None:
    data = server_directory / "postgresql" / "data"
    with own_postgres(data.parent) as url, psycopg.connect(url) as connection:
        ours = connection.info.server_version // 10_000
    version = (data / "PG_VERSION").read_text()
    (data / "PG_VERSION").write_text("17\n")
    assert refusal(environment_of(server_directory)) == (
        f"The data in {data} are from PostgreSQL 17, and this Seatledger has PostgreSQL {ours}: "
        "dump them (pg_dump) while the Seatledger that made them runs, or set DATA_DIR to another directory.\n"
    )
    (data / "PG_VERSION").write_text(version)
    with own_postgres(data.parent):
        pass
