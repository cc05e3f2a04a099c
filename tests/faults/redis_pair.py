"""Two Redis and a Sentinel on loopback, each restarted when it ends. Passwords and TLS are tested in test_redis_deployments.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from devstack.server_files import server_programs
from devstack.supervisor import ProcessSpec, Supervisor
from tests.faults.production import restarted
from tests.redis_servers import wait_until_ready
from tests.running_system import free_port

MASTER, DOWN_MILLISECONDS = "seats", 1_000


class RedisPair:
    """`url`: REDIS_URL."""

    def __init__(self, supervisor: Supervisor, ports: dict[str, int], sentinel: int) -> None:
        self._ports, self._sentinel = ports, sentinel
        self._supervised = {supervised.spec.name: supervised for supervised in supervisor._supervised}
        self.url = f"sentinel://127.0.0.1:{sentinel}/{MASTER}/0"

    def master(self) -> int:
        """The process id of the present master; 0 where it is not running."""
        with redis.Redis(port=self._sentinel, socket_timeout=2) as client:
            _, port = client.sentinel_get_master_addr_by_name(MASTER)
        process = self._supervised[next(name for name, one in self._ports.items() if one == int(port))].process
        return process.pid if process is not None else 0

    def fail_over(self) -> None:
        """Makes the replica the master, if there is one."""
        with redis.Redis(port=self._sentinel, socket_timeout=2) as client:
            try:
                client.sentinel_failover(MASTER)
            except redis.ResponseError:  # no replica is fit for it, or a failover is under way
                return


@contextmanager
def redis_pair(directory: Path) -> Iterator[RedisPair]:
    ports, sentinel = {"redis1": free_port(), "redis2": free_port()}, free_port()
    first = ports["redis1"]
    common = ["bind 127.0.0.1", 'save ""', "repl-diskless-sync-delay 0"]
    configurations = {
        "redis1": [f"port {first}", *common],
        "redis2": [f"port {ports['redis2']}", f"replicaof 127.0.0.1 {first}", *common],
        "sentinel": [
            f"port {sentinel}",
            f"sentinel monitor {MASTER} 127.0.0.1 {first} 1",
            f"sentinel down-after-milliseconds {MASTER} {DOWN_MILLISECONDS}",
            f"sentinel failover-timeout {MASTER} 5000",
        ],
    }
    specs = []
    for name, lines in configurations.items():
        home = directory / name
        home.mkdir()
        config = home / "configuration"
        config.write_text("\n".join([f'dir "{home}"', *lines]) + "\n")
        options = ["--sentinel"] if name == "sentinel" else []
        specs.append(ProcessSpec(name=name, command=[str(server_programs().redis), str(config), *options]))
    with restarted(specs, {}, directory / "redis.log") as supervisor:
        pair = RedisPair(supervisor, ports, sentinel)
        wait_until_ready(pair.url)
        yield pair
