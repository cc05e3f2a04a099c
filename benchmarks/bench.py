"""What every benchmark gets: options, a directory, the stage (made when first asked for), and where its results go.

A benchmark is a file with a `run(bench)`, and a line in `BENCHMARKS` of __main__.py.
"""

import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmarks import stage
from benchmarks.results import Results


@dataclass(frozen=True)
class Options:
    """`seconds` of each load; `warm_up` of each before the first one that counts."""

    quick: bool
    rounds: int
    connections: tuple[int, ...]
    seconds: int
    warm_up: int


FULL = Options(quick=False, rounds=3, connections=(1, 16, 64, 256), seconds=4, warm_up=3)
QUICK = Options(quick=True, rounds=1, connections=(64,), seconds=2, warm_up=1)


@dataclass
class Bench:
    options: Options
    directory: Path
    stack: ExitStack
    results: Results = field(default_factory=Results)
    begun: float = field(default_factory=time.monotonic)

    @cached_property
    def stage(self) -> stage.Stage:
        """Kept until the end: later benchmarks go on with what earlier ones left."""
        self.say(f"starting servers and Seatledger, preparing {stage.CUSTOMERS:,} customers")
        opened = self.stack.enter_context(stage.opened(self.directory / "stage"))
        shown = self.results.facts["durability"] = stage.durability(opened.settings.database_url)
        self.say(", ".join(f"{name} {value}" for name, value in shown.items()))
        return opened

    def say(self, progress: str) -> None:
        print(f"[{time.monotonic() - self.begun:5.0f} s] {progress}", file=sys.stderr, flush=True)
