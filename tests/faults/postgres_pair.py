"""A PostgreSQL and its standby, which change places whenever the primary is killed."""

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import quote

import psycopg

import migrations
from devstack.server_files import temporary_directory
from devstack.server_user import remove_tree
from tests.faults.clusters import Server
from tests.workers.deployment import wait_until

_STREAMING = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = %s"


class PostgresPair:
    """`url`: DATABASE_URL, of both; the primary is to be found."""

    def __init__(self, primary: Server, standby: Server) -> None:
        self.primary, self.standby = primary, standby
        hosts = ",".join(quote(str(server.home), safe="") for server in (primary, standby))
        self.url = f"postgresql://seatledger@/seatledger?host={hosts}&target_session_attrs=read-write"

    def add_standby(self, *, synchronous: bool) -> None:
        remove_tree(self.standby.home)
        self.primary.copy_to(self.standby.home)
        self.standby.start()
        self.primary.set("synchronous_standby_names", "*" if synchronous else "")
        self._wait_for_standby("sync" if synchronous else "async")

    def lag(self) -> None:
        """From now on the standby receives nothing."""
        self.standby.set("primary_conninfo", "host=/nowhere")
        wait_until(lambda: self.primary.sql("SELECT count(*) FROM pg_stat_replication") == [(0,)], "the standby is cut off")

    def fail_over(self) -> float:
        """Kills the primary and promotes the standby; when that was promoted, by the monotonic clock."""
        self.primary.kill()
        self.primary, self.standby = self.standby, self.primary
        assert self.primary.sql("SELECT pg_promote(true, 30)") == [(True,)]
        return time.monotonic()

    def _wait_for_standby(self, state: str) -> None:
        with psycopg.connect(self.primary.url, autocommit=True) as connection:
            wait_until(lambda: connection.execute(_STREAMING, (state,)).fetchone() == (1,), f"the standby is {state}")


@contextmanager
def postgres_pair(*, synchronous: bool) -> Iterator[PostgresPair]:
    """Migrated, both running."""
    with temporary_directory("seatledger-test-") as directory, ExitStack() as stack:
        servers = [Server(directory / name) for name in ("pg1", "pg2")]
        for server in servers:
            stack.callback(server.stop)
        pair = PostgresPair(*servers)
        pair.primary.start()
        migrations.upgrade(pair.primary.url)
        pair.add_standby(synchronous=synchronous)
        yield pair
        shutil.rmtree(directory, ignore_errors=True)
