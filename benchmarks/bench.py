"""What each benchmark receives: options, a directory, an exit stack that ends what they start, the deployment (started at its first
use), and the results.

A benchmark is a file with a `run(bench)`, and a line in `BENCHMARKS` of __main__.py.
"""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmarks import deployment
from benchmarks.deployment import Deployment
from benchmarks.load import LoadResult, book
from benchmarks.results import Results


@dataclass(frozen=True)
class Options:
    """`seconds`: length of each load; `warm_up`: seconds of load before the first measured one."""

    quick: bool
    rounds: int
    connections: tuple[int, ...]
    seconds: int
    warm_up: int


FULL = Options(quick=False, rounds=3, connections=(1, 16, 64, 256), seconds=3, warm_up=3)
QUICK = Options(quick=True, rounds=1, connections=(64,), seconds=1, warm_up=1)


@dataclass
class Bench:
    options: Options
    directory: Path
    stack: ExitStack
    results: Results = field(default_factory=Results)
    started_at: float = field(default_factory=time.monotonic)

    @cached_property
    def deployment(self) -> Deployment:
        """Kept until the end: later benchmarks use the data that earlier ones created."""
        self.log(f"starting servers and Seatledger, preparing {deployment.CUSTOMERS:,} customers")
        opened = self.stack.enter_context(deployment.start_deployment(self.directory / "stage"))
        durability = self.results.facts["durability"] = deployment.durability(opened.settings.database_url)
        self.log(", ".join(f"{name} {value}" for name, value in durability.items()))
        # Afterwards all tokens are cached, and what is compiled at first use is compiled.
        book([opened.api], [opened.schedule_event()], opened.tokens, connections=64, seconds=self.options.warm_up)
        opened.wait_until_projected()
        return opened

    def log(self, progress: str) -> None:
        print(f"[{time.monotonic() - self.started_at:5.0f} s] {progress}", file=sys.stderr, flush=True)

    def record(
        self, benchmark: str, subject: str, round_number: int, result: LoadResult, wrong: Sequence[str] = (), **details: object
    ) -> None:
        """Stores and prints the result of a load in a round. `wrong`: inconsistencies, which make all figures worthless."""
        where = f"{benchmark}, {subject.strip()}, round {round_number}"
        self.results.wrong += [f"{where}: {violation}." for violation in wrong]
        self.results.samples.append(
            {"benchmark": benchmark, "subject": subject, "round": round_number, **details, **result._asdict()}
        )
        figures = f"{result.requests_per_second:,.0f}/s, p50 {result.p50_ms:.1f} ms, p99 {result.p99_ms:.1f} ms"
        self.log("; ".join([f"{where}: {figures}", *(f"WRONG: {violation}" for violation in wrong)]))
