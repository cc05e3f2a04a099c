"""What every benchmark gets: options, a directory, the stage (made when first asked for), and where its results go.

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
    """`seconds` of each load; `warm_up` of each before the first one that counts."""

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
    begun: float = field(default_factory=time.monotonic)

    @cached_property
    def deployment(self) -> Deployment:
        """Kept until the end: later benchmarks go on with what earlier ones left."""
        self.log(f"starting servers and Seatledger, preparing {deployment.CUSTOMERS:,} customers")
        opened = self.stack.enter_context(deployment.start_deployment(self.directory / "stage"))
        shown = self.results.facts["durability"] = deployment.durability(opened.settings.database_url)
        self.log(", ".join(f"{name} {value}" for name, value in shown.items()))
        # Everybody's token is in memory from here on, and what is compiled once is compiled.
        book([opened.api], [opened.schedule_event()], opened.tokens, connections=64, seconds=self.options.warm_up)
        opened.wait_until_projected()
        return opened

    def log(self, progress: str) -> None:
        print(f"[{time.monotonic() - self.begun:5.0f} s] {progress}", file=sys.stderr, flush=True)

    def record(self, benchmark: str, what: str, number: int, found: LoadResult, wrong: Sequence[str] = (), **more: object) -> None:
        """Keeps what a load found in a round, and tells. `wrong`: what is not as it must be, without which no figure counts."""
        where = f"{benchmark}, {what.strip()}, round {number}"
        self.results.wrong += [f"{where}: {one}." for one in wrong]
        self.results.samples.append({"benchmark": benchmark, "subject": what, "round": number, **more, **found._asdict()})
        figures = f"{found.requests_per_second:,.0f}/s, p50 {found.p50_ms:.1f} ms, p99 {found.p99_ms:.1f} ms"
        self.log("; ".join([f"{where}: {figures}", *(f"WRONG: {one}" for one in wrong)]))
