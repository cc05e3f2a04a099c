"""The production shape on two PostgreSQL under Patroni and two Redis under a Sentinel: every part is killed, stopped and frozen
while tickets are sold (R17, R20, R21)."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import psutil
import pytest

import migrations
from devstack.server_files import temporary_directory
from tests.faults.ledger_check import check_ledger, check_rows, operator, wait_until_projected
from tests.faults.patroni import TTL_SECONDS, PatroniCluster, patroni_cluster
from tests.faults.postgres_processes import signal_all
from tests.faults.production import Production, production
from tests.faults.promotions import watch_promotions
from tests.faults.redis_pair import RedisPair, redis_pair
from tests.faults.steady_sale import SteadySale, steady_sale
from tests.running_system import system_settings
from tests.soak import SOAK
from tests.workers.deployment import wait_until
from workers.health import find_trouble

SECONDS, EVERY_SECONDS = 600, 20
FROZEN_SECONDS = (2, 10)
#: From a promotion to the first sale; a fault after which nothing is promoted, or only after Patroni's ttl, takes longer.
SELLING_SECONDS, LONGEST_SECONDS = 5.0, TTL_SECONDS + 25.0

Processes = Callable[[], Sequence[psutil.Process]]


@dataclass
class Faults:
    """The faults of a cluster by their names. Each returns when what it froze goes on; what it ended may still be unavailable."""

    cluster: PatroniCluster
    redis: RedisPair
    running: Production
    seed: int = field(default_factory=lambda: random.randrange(1_000_000))

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def all(self) -> dict[str, Callable[[], object]]:
        targets: dict[str, Processes] = {
            "primary": self._primary,
            "standby": self._standby,
            "Redis master": self._redis_master,
            **{part: partial(self._one_of, part) for part in ("api", "worker", "tick")},
        }
        faults: dict[str, Callable[[], object]] = {
            "switchover": self.cluster.switch_over,
            "frozen host of the primary": self._freeze_host,
            "Sentinel failover": self.redis.fail_over,
            "rolling restart": self._restart_apis,
        }
        for name, processes in targets.items():
            faults[f"{name} killed"] = partial(self._kill, processes)
            faults[f"{name} stopped"] = partial(self._stop, processes)
            faults[f"{name} frozen"] = partial(self._freeze, processes)
        return faults

    def in_random_order(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """For ever, each once before any comes again."""
        while True:
            faults = list(self.all().items())
            self.dice.shuffle(faults)
            yield from faults

    # --- targets

    def _primary(self) -> Sequence[psutil.Process]:
        primary = self.cluster.primary
        return primary.postgres() if primary is not None else []

    def _standby(self) -> Sequence[psutil.Process]:
        return self.cluster.standby.postgres()

    def _redis_master(self) -> Sequence[psutil.Process]:
        return [psutil.Process(pid)] if (pid := self.redis.master()) else []

    def _one_of(self, part: str) -> Sequence[psutil.Process]:
        process = self.running.process(f"{part}{self.dice.randint(1, 2)}")
        return [process] if process is not None else []

    # --- faults

    @staticmethod
    def _kill(processes: Processes) -> None:
        signal_all(processes(), signal.SIGKILL)

    @staticmethod
    def _stop(processes: Processes) -> None:
        """As its service would: for PostgreSQL that is its fast shutdown."""
        for process in processes()[:1]:
            signal_all([process], signal.SIGINT if process.name() == "postgres" else signal.SIGTERM)

    def _freeze(self, processes: Processes, seconds: float | None = None) -> None:
        frozen = processes()
        signal_all(frozen, signal.SIGSTOP)
        time.sleep(seconds or self.dice.uniform(*FROZEN_SECONDS))
        signal_all(frozen, signal.SIGCONT)

    def _freeze_host(self) -> None:
        """For so long that the other one is promoted. When it goes on, it still takes itself for the primary for a moment."""
        if (primary := self.cluster.primary) is not None:
            self._freeze(primary.host, TTL_SECONDS + 10)

    def _restart_apis(self) -> None:
        for name in self.running.apis:
            self.running.replace(name)


@pytest.fixture
def faults(tmp_path: Path) -> Iterator[Faults]:
    with ExitStack() as stack:
        directory = stack.enter_context(temporary_directory("seatledger-test-"))
        cluster = stack.enter_context(patroni_cluster(directory))
        migrations.upgrade(cluster.url)
        redis = stack.enter_context(redis_pair(tmp_path))
        settings = replace(
            system_settings(cluster.url, redis.url, tmp_path / "data"),
            database_read_url=cluster.read_url,
            allow_unsafe_database=False,
            drain_seconds=1,
            verify_hours=0,
        )
        yield Faults(cluster, redis, stack.enter_context(production(settings, tmp_path)))


@dataclass
class Observed:
    """`pauses`: the longest time without a sale after each fault."""

    sale: SteadySale
    pauses: list[tuple[str, float]] = field(default_factory=list)
    promoted: list[float] = field(default_factory=list)

    def print(self) -> None:
        longest: dict[str, float] = {}
        for name, pause in self.pauses:
            longest[name] = max(pause, longest.get(name, 0))
        print(f"\ncluster: {self.sale.figures()}")
        for name, count in sorted(Counter(name for name, _ in self.pauses).items()):
            print(f"cluster: {name}: {count} times, at most {longest[name]:.1f} s without a sale")
        print(f"cluster: {len(self.promoted)} promotions; the first sale came {max(self.promoted, default=0):.2f} s after at most")


@contextmanager
def observed(faults: Faults) -> Iterator[Observed]:
    """Sells, and watches promotions. At the end of the block everything that was sold is known."""
    with watch_promotions([member.timeline for member in faults.cluster.members]) as promotions:
        with steady_sale(faults.running.settings, faults.running.url) as sale:
            seen = Observed(sale)
            yield seen
        seen.promoted = [first for moment in promotions.moments if (first := sale.first_after(moment)) is not None]


@pytest.mark.skipif(not SOAK, reason="ten minutes: make soak")
@pytest.mark.timeout(1800)
def test_cluster_survives_the_loss_of_every_part(faults: Faults) -> None:
    with observed(faults) as seen:
        sale, end = seen.sale, time.monotonic() + SECONDS
        print(f"\ncluster: seed {faults.seed}")
        sale.wait_for(5)
        for name, fault in faults.in_random_order():
            began = time.monotonic()
            print(f"{began - end + SECONDS:.0f} s: {name}", flush=True)
            fault()
            time.sleep(max(began + EVERY_SECONDS - time.monotonic(), 1))
            seen.pauses.append((name, sale.longest_pause(began, time.monotonic())))
            if time.monotonic() > end:
                break
        faults.cluster.wait_until_whole()
        faults.running.wait_until_ready()
        sale.wait_for(5)
    seen.print()
    check(faults, sale)
    assert max(seen.promoted, default=0) <= SELLING_SECONDS
    assert max(pause for _, pause in seen.pauses) <= LONGEST_SECONDS


def check(faults: Faults, sale: SteadySale) -> None:
    """Nothing lost, nothing dead, all proven."""
    running, settings = faults.running, faults.running.settings
    wait_until(running.all_run, "every process runs")
    running.wait_until_ready()
    wait_until_projected(settings)
    found = check_ledger(settings, sale)
    print(f"cluster: {len(found.lost)} acknowledged bookings and {len(found.lost_cancellations)} cancellations lost, 0 doubled")
    assert (found.lost, found.lost_cancellations) == (set(), set())
    assert find_trouble(settings, ["availability", "bookings", "revenue"]) is None
    check_rows(settings)
    status, output = operator(settings, "verify")
    assert (status, "Proven" in output) == (0, True), output
    assert running.critical_lines() == {}
    print(f"cluster: {output.splitlines()[-2]}")
