"""Proof: the speed of a rebuild, compared to a COPY of the finished rows, and its effect on bookings; time and memory of a
verification; the time for an inclusion proof, and for statistics as of a past time.
"""

import dataclasses
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import create_engine

from benchmarks import history
from benchmarks.bench import Bench
from benchmarks.client import Client
from benchmarks.consistency import ConsistencyCheck, failures
from benchmarks.deployment import Deployment, additional_api, separate_database, start_process
from benchmarks.history import Sales
from benchmarks.load import Server, book
from benchmarks.machine import BenchError
from benchmarks.processes import ROOT, START_SECONDS, clean_environment, running_process, wait_until_responding
from benchmarks.projection import copied
from benchmarks.results import Row, at_least, at_most, goal, percentile, ratios, spread
from devstack.readiness import free_port
from devstack.stack import COMMANDS
from ledger.store import Ledger, sqlalchemy_url
from projections import audit
from projections.audit import AuditProjector
from projections.proof.checkpoints import CheckpointSigner
from projections.rebuild.shadow_copies import ShadowCopies
from projections.rebuild.shadow_tables import TableKind
from projections.registry import PROJECTORS

NAME = "proof"
ENTRIES, EVENTS = {False: 1_000_000, True: 50_000}, 1_000
#: Number of proofs, positions between two of them, and proofs before the first measured one.
PROOFS, STRIDE, WARM_UP = 300, 7_919, 20
CONNECTIONS = 64
REBUILT_PER_SECOND, OF_COPY, OF_BOOKING, OF_FOLDING = 20_000, 0.3, 0.7, 1.1
#: Between two samples of a command's memory.
SAMPLE_SECONDS = 0.02
#: Entries that are projected with and without the hash tree.
PROJECTED_ENTRIES = 200_000
VERIFY_SECONDS, VERIFY_MEGABYTES, PROOF_MS, AS_OF_SECONDS = 60, 300, 5, 10


class _Measurement(NamedTuple):
    seconds: float
    megabytes: float


def run(bench: Bench) -> None:
    size = ENTRIES[bench.options.quick]
    with separate_database(bench.deployment, NAME, event_cache_bytes=1024 * 1024) as deployment:
        events = _sell(bench, deployment, size)
        _rebuild(bench, deployment, events, size)
        _tree(bench, deployment, size)
        _sign(deployment)
        _verify(bench, deployment, size)
        _query_past_statistics(bench, deployment)
        _prove(bench, deployment)
        _book_meanwhile(bench, deployment)


def _sell(bench: Bench, deployment: Deployment, entries: int) -> list[UUID]:
    bench.log(f"{NAME}: {entries:,} entries")
    number = min(EVENTS, entries // 10)
    events = history.schedule(deployment.ledger, deployment.organizer_id, [f"Event {index}" for index in range(number)])
    with deployment.connect() as connection:
        history.sell(
            connection, deployment.macs, [Sales(event_id, 2, entries // number - 1) for event_id in events], deployment.customers()
        )
        connection.execute("UPDATE projections SET version = 0")  # so that a rebuild starts from the beginning
    return events


def _rebuild(bench: Bench, deployment: Deployment, events: Sequence[UUID], size: int) -> None:
    rebuilt, by_copy = [], []
    for number in range(1, bench.options.rounds + 1):
        with deployment.connect() as connection:
            connection.execute("UPDATE projections SET version = 0")
        rebuilt.append(size / _command(deployment, "projections", "rebuild", "all").seconds)
        by_copy.append(size / copied(deployment, events))
        bench.log(f"{NAME}, round {number}: {rebuilt[-1]:,.0f} entries/s rebuilt, {by_copy[-1]:,.0f} by COPY")
    value = median(rebuilt)
    bench.results.samples.append({"benchmark": NAME, "rebuilt_per_second": rebuilt, "copied_per_second": by_copy})
    bench.results.rows += [
        Row(
            benchmark=NAME, what=f"rebuilding all, {size:,} entries", value=value, unit="entries/s", spread=spread(rebuilt),
            goal=goal(f"at least {REBUILT_PER_SECOND:,}", value >= REBUILT_PER_SECOND),
        ),
        at_least(OF_COPY, NAME, "rebuilding / COPY", ratios(rebuilt, by_copy)),
    ]  # fmt: skip


def _tree(bench: Bench, deployment: Deployment, size: int) -> None:
    """The cost of the hash tree: the time to fill all projections, as a rebuild does, and all except the tree's."""
    until, others = (
        min(size, PROJECTED_ENTRIES),
        [projector for name, projector in PROJECTORS.items() if name != AuditProjector.name],
    )
    with_tree, without = list[float](), list[float]()
    with closing(ShadowCopies(deployment.settings.database_url, deployment.ledger, "benchmark", TableKind.UNLOGGED)) as copies:
        for number in range(1, bench.options.rounds + 1):
            for seconds, projectors in ((without, others), (with_tree, list(PROJECTORS.values()))):
                with ExitStack() as stack:
                    shadow_copies = [stack.enter_context(copies.copy(projector, anew=True)) for projector in projectors]
                    began = time.monotonic()
                    copies.fill(shadow_copies, lambda _: until, lambda done, of: None)
                    seconds.append(time.monotonic() - began)
                    for copy in shadow_copies:
                        copies.drop(copy)
            bench.log(f"{NAME}, round {number}: {until:,} entries in {with_tree[-1]:.1f} s, without the tree {without[-1]:.1f} s")
    bench.results.rows.append(at_most(OF_FOLDING, NAME, "projecting with the tree / without", ratios(with_tree, without)))


def _verify(bench: Bench, deployment: Deployment, size: int) -> None:
    done = _command(deployment, "projections", "verify")
    bench.results.rows += [
        Row(
            benchmark=NAME, what=f"verifying {size:,} entries", value=done.seconds, unit="s",
            goal=goal(f"under {VERIFY_SECONDS} s", done.seconds < VERIFY_SECONDS),
        ),
        Row(
            benchmark=NAME, what="its memory", value=done.megabytes, unit="MB",
            goal=goal(f"under {VERIFY_MEGABYTES} MB", done.megabytes < VERIFY_MEGABYTES),
        ),
    ]  # fmt: skip


def _query_past_statistics(bench: Bench, deployment: Deployment) -> None:
    """Just before the last digest: the longest possible distance to the previous one."""
    with deployment.connect() as connection:
        [last] = connection.execute("SELECT max(position) FROM projection_digests").fetchone() or (None,)
    done = _command(deployment, "query_api.time_travel.as_of", str((last or deployment.ledger.head()) - 1))
    met = goal(f"under {AS_OF_SECONDS} s", done.seconds < AS_OF_SECONDS)
    bench.results.rows.append(Row(benchmark=NAME, what="the statistics of a past moment", value=done.seconds, unit="s", goal=met))


def _prove(bench: Bench, deployment: Deployment) -> None:
    """Inclusion proofs from the API, for entries over the whole ledger, one after another."""
    head, times_ms = deployment.ledger.head(), list[float]()
    with additional_api(deployment.settings) as api:
        client = Client(api.port)
        for number in range(PROOFS + WARM_UP):
            began = time.perf_counter()
            status, _ = client.request("GET", f"/api/audit/proof?position={1 + number * STRIDE % head}", {})
            took_ms = 1000 * (time.perf_counter() - began)
            if status != HTTPStatus.OK:
                raise BenchError(f"A proof got the status {status}.")
            if number >= WARM_UP:
                times_ms.append(took_ms)
    p50 = median(times_ms)
    bench.results.rows.append(
        Row(
            benchmark=NAME, what="an inclusion proof", value=p50, unit="ms (median)", p50_ms=p50, p99_ms=percentile(times_ms, 99),
            goal=goal(f"under {PROOF_MS} ms", p50 < PROOF_MS),
        )
    )  # fmt: skip


def _book_meanwhile(bench: Bench, deployment: Deployment) -> None:
    """Bookings per second of one Event, with and without a rebuild of all projections. Workers project in both cases."""
    settings = dataclasses.replace(
        deployment.settings, port=free_port(), event_cache_bytes=bench.deployment.settings.event_cache_bytes
    )
    meanwhile, alone = list[float](), list[float]()
    with ExitStack() as stack:
        for name in COMMANDS:
            deployment.processes[name] = stack.enter_context(start_process(settings, name, deployment.directory / f"{name}.log"))
        api = Server(deployment.processes["api"], settings.port)
        wait_until_responding(api.process, api.port, "/ready")
        book([api], [deployment.schedule_event()], deployment.tokens, connections=CONNECTIONS, seconds=bench.options.warm_up)
        for number in range(1, bench.options.rounds + 1):
            for rates, around in ((alone, nullcontext), (meanwhile, partial(_rebuilding, deployment))):
                event_id = deployment.schedule_event()
                consistency = ConsistencyCheck(deployment, [event_id])
                deployment.wait_until_projected()
                with around():
                    load = book([api], [event_id], deployment.tokens, connections=CONNECTIONS, seconds=bench.options.seconds)
                rates.append(load.per_second)
                what = "booking while rebuilding" if rates is meanwhile else "booking"
                bench.record(NAME, what, number, load, [*failures(load), *consistency.violations(load, CONNECTIONS)])
    bench.results.rows.append(at_least(OF_BOOKING, NAME, "bookings while rebuilding / without", ratios(meanwhile, alone)))


@contextmanager
def _rebuilding(deployment: Deployment) -> Iterator[None]:
    """Runs a rebuild until the end of the block; it continues one that was ended before. Raises BenchError if it ends too soon."""
    environment = {**clean_environment(), **deployment.settings.to_env()}
    command = ["-m", "projections", "rebuild", "all"]
    with (
        running_process("rebuild", command, environment, deployment.directory / "rebuild.log") as process,
        deployment.connect() as connection,
    ):
        deadline = time.monotonic() + START_SECONDS
        while connection.execute("SELECT FROM rebuilds WHERE updated_at > now() - interval '1 s'").fetchone() is None:
            process.check()
            if time.monotonic() > deadline:
                raise BenchError(f"A rebuild does not start within {START_SECONDS:.0f} s.")
            time.sleep(SAMPLE_SECONDS)
        yield
        process.check()


def _sign(deployment: Deployment) -> None:
    engine = create_engine(sqlalchemy_url(deployment.settings.database_url))
    with closing(Ledger(deployment.settings.database_url, deployment.macs)) as ledger, engine.connect() as connection:
        signer, size = CheckpointSigner(deployment.settings.keys, ledger, seconds=0), audit.tree_size(connection)
        while checkpoint := signer.sign(engine):
            if checkpoint.size == size:
                break
        else:
            raise BenchError("No checkpoint was signed.")
    engine.dispose()


def _command(deployment: Deployment, module: str, *arguments: str) -> _Measurement:
    """Runs `python -m module` and measures its time and maximum memory. Raises BenchError if it fails."""
    environment = {**clean_environment(), **deployment.settings.to_env()}
    command, peak_kb = [sys.executable, "-m", module, *arguments], 0
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=errors)
        while process.poll() is None:
            peak_kb = max(peak_kb, _peak_memory_kb(process.pid))
            time.sleep(SAMPLE_SECONDS)
        seconds = time.monotonic() - began
        errors.seek(0)
        if process.returncode:
            raise BenchError(f"{module} {' '.join(arguments)} failed: {errors.read()[-300:]}")
    return _Measurement(seconds, peak_kb / 1000)


def _peak_memory_kb(pid: int) -> int:
    """The maximum since the process started. `wait4` would include the memory of the process that started it."""
    with suppress(OSError), Path(f"/proc/{pid}/status").open() as status:
        return next((int(line.split()[1]) for line in status if line.startswith("VmHWM:")), 0)
    return 0
