"""Start: the time from `make run` to a response of /ready, with empty data and with the existing data."""

import signal
import time

from benchmarks.bench import Bench
from benchmarks.processes import clean_environment, running_process, wait_until_responding
from benchmarks.results import Row, goal
from devstack.readiness import free_port

NAME = "start"
READY_SECONDS = 15


def run(bench: Bench) -> None:
    """Measures the start with demo data, on servers of its own, which end before other benchmarks start."""
    starts = ("fresh, with demo data",) if bench.options.quick else ("fresh, with demo data", "again")
    for what in starts:
        bench.log(f"start: python -m devstack, {what}")
        port = free_port()
        environment = {**clean_environment(), "DATA_DIR": str(bench.directory / "start"), "PORT": str(port)}
        began = time.monotonic()
        with running_process("python -m devstack", ["-m", "devstack"], environment, bench.directory / "start.log") as process:
            wait_until_responding(process, port, "/ready")
            seconds = time.monotonic() - began
            time.sleep(1)  # lets it print its welcome first
            process.stop(signal.SIGINT)
        met = goal(f"under {READY_SECONDS} s", seconds < READY_SECONDS) if what == starts[0] else ""
        bench.results.rows.append(
            Row(benchmark=NAME, what=f"python -m devstack, {what}", value=seconds, unit="s to /ready", goal=met)
        )
        bench.results.samples.append({"benchmark": NAME, "what": what, "seconds": seconds})
