"""Measures the speed and size of Seatledger and of comparable services (peers), on servers of its own, and prints one table.

Needs wrk (Debian: apt-get install wrk) and a quiet machine. A full run takes some 25 minutes, a quick one less than one.
"""

import argparse
import dataclasses
import shlex
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import (
    due_holds,
    growth,
    holds,
    hot_event,
    live,
    machine,
    many_events,
    projection,
    proof,
    read_your_writes,
    reads,
    sold_out,
    start,
    told,
)
from benchmarks.bench import FULL, QUICK, Bench, Options
from benchmarks.machine import BenchError
from benchmarks.results import Results
from devstack.server_files import temporary_directory
from devstack.server_user import ServerError

#: In this order: `start` needs the machine for itself, `read_your_writes` a ledger with entries.
BENCHMARKS: dict[str, Callable[[Bench], None]] = {
    "start": start.run,
    "hot_event": hot_event.run,
    "holds": holds.run,
    "due_holds": due_holds.run,
    "read_your_writes": read_your_writes.run,
    "many_events": many_events.run,
    "sold_out": sold_out.run,
    "reads": reads.run,
    "projection": projection.run,
    "live": live.run,
    "told": told.run,
    "proof": proof.run,
    "growth": growth.run,
}
#: Too long for a quick run, unless `--only` names them.
FULL_RUN_ONLY = ("due_holds", "told", "proof", "growth")
REQUIRED_BYTES = {False: 14 * 10**9, True: 3 * 10**9}
MIN_ROUNDS = 3
HERE = Path(__file__).parent


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    options = QUICK if arguments.quick else FULL
    options = dataclasses.replace(options, rounds=arguments.rounds or options.rounds)
    try:
        _check_writable(arguments.json)
        results = _run_benchmarks(arguments.only or _default(options), options)
    except (BenchError, ServerError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing was written.", file=sys.stderr)
        return 1
    print(f"\n{results.table()}\n\n{results.notes()}".rstrip())
    if arguments.json:
        arguments.json.write_text(results.json())
    reasons = _reasons_not_to_write(arguments, options, results) if arguments.write_results else []
    if arguments.write_results and not reasons:
        results.write(HERE)
    if reasons:
        print(f"RESULTS.md was not changed: {'; '.join(reasons)}.", file=sys.stderr)
    return 1 if results.wrong or reasons else 0


def _default(options: Options) -> list[str]:
    return [name for name in BENCHMARKS if not (options.quick and name in FULL_RUN_ONLY)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round of most benchmarks, in under a minute")
    parser.add_argument("--rounds", type=_at_least_one, metavar="N", help=f"default: {FULL.rounds}; quick: {QUICK.rounds}")
    names = ", ".join(BENCHMARKS)
    parser.add_argument("--only", action="append", choices=BENCHMARKS, metavar="NAME", help=f"of {names} (repeatable)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured to this file")
    parser.add_argument(
        "--write-results", action="store_true", help="write RESULTS.md and RESULTS.json after a full run without noise"
    )
    parser.add_argument("--force", action="store_true", help="with --write-results: also after a partial or noisy run")
    return parser


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rounds")
    return int(text)


def _check_writable(file: Path | None) -> None:
    """Checked first, because a run takes minutes. Raises BenchError."""
    try:
        if file:
            file.touch()
    except OSError as error:
        raise BenchError(f"{file} can't be written: {error.strerror}.") from error


def _run_benchmarks(names: list[str], options: Options) -> Results:
    """Runs these benchmarks. At the end, or after an error, it ends all processes that it started and removes the directory."""
    with temporary_directory("seatledger-bench-") as directory, ExitStack() as stack:
        machine.check(directory, REQUIRED_BYTES[options.quick])
        bench = Bench(options, directory, stack)
        bench.results.facts = {
            "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            "command": shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
            "options": dataclasses.asdict(options),
            **machine.facts(directory),
        }
        for name, run in BENCHMARKS.items():
            if name in names:
                _run_benchmark(name, run, bench)
        bench.log("ending the processes")
        return bench.results


def _run_benchmark(name: str, run: Callable[[Bench], None], bench: Bench) -> None:
    """Runs one benchmark. If it fails, the results of the others are kept; if it is the first, the error ends the run."""
    try:
        run(bench)
    except Exception as error:
        if not bench.results.rows:
            raise
        bench.log(f"{name} failed: {traceback.format_exc()}")
        bench.results.incomplete.append(f"{name} failed ({type(error).__name__}: {error})")


def _reasons_not_to_write(arguments: argparse.Namespace, options: Options, results: Results) -> list[str]:
    """Why these results are not written. Inconsistent results are never written, not even with --force."""
    wrong = ["the data were inconsistent"] if results.wrong else []
    weak = [*results.incomplete, *(["the results were noisy"] if results.noisy else [])]
    if arguments.quick or arguments.only or options.rounds < MIN_ROUNDS:
        weak.append(f"it was not a full run (all benchmarks, {MIN_ROUNDS} rounds)")
    return wrong + ([] if arguments.force else [f"{reason} (--force writes them anyway)" for reason in weak])


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
