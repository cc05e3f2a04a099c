"""Load by wrk, as fast as the server responds. Each booking is by the next customer, with its own Idempotency-Key."""

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from string import Template
from threading import Timer
from typing import NamedTuple
from uuid import UUID, uuid4

from benchmarks.gc_on_signal import FULL_COLLECTIONS
from benchmarks.machine import BenchError, find_wrk
from benchmarks.processes import HOST, Process
from benchmarks.results import Row, spread

CATEGORY = "General"
BODY = '{"tickets":[{"category":"General","quantity":1}]}'
#: Time limit for a response. The ORM peers need a second at 256 connections.
TIMEOUT_SECONDS = 10

_DONE = """\
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nRESULT {"requests": %d, "microseconds": %d, "refused": %d, '
      .. '"lost": %d, "late": %d, "p50": %d, "p99": %d}\\n',
    summary.requests, summary.duration, e.status, e.connect + e.read + e.write, e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""
#: One thread per port. Each cycles through its paths and through all tokens (if any), starting at a different token.
_SCRIPT = Template(
    """\
local ports, threads = {$ports}, 0
setup = function(thread)
  threads = threads + 1
  thread:set("number", threads)
  thread.addr = wrk.lookup("$host", ports[threads])[1]
end

local function list(file, before, after)
  local lines = {}
  for line in io.lines(file) do
    lines[#lines + 1] = before .. line .. after
  end
  return lines
end

local paths
local people = list("$tokens", "Authorization: Bearer ", "\\r\\n")
local key, tail, sent = "$key", '$tail', 0
init = function()
  paths = list("$paths." .. number, "$method ", " HTTP/1.1\\r\\nHost: $host\\r\\n$headers")
  sent = math.floor(#people * (number - 1) / #ports)
  if key ~= "" then
    key = "Idempotency-Key: " .. key .. number .. "-"
  end
end

request = function()
  sent = sent + 1
  local start = paths[sent % #paths + 1] .. (people[sent % #people + 1] or "")
  if key == "" then
    return start .. tail
  end
  return start .. key .. sent .. tail
end

"""
    + _DONE
)

#: The requests of a file, which a zero byte separates. What the first call returns is not sent: wrk only looks at it.
_LISTED = Template(
    """\
local requests, sent = {}, -1
init = function()
  for one in io.open("$requests"):read("*a"):gmatch("%Z+") do
    requests[#requests + 1] = one
  end
end

request = function()
  sent = sent + 1
  return requests[math.max(sent, 1)]
end

"""
    + _DONE
)


class Server(NamedTuple):
    """A server process and its port on this machine."""

    process: Process
    port: int


class LoadResult(NamedTuple):
    """What wrk counted. `answered`: responses with 201 or 200; `refused`: responses above 399; `lost`: broken connections and
    responses after the time limit. p50 and p99 are corrected for coordinated omission: a stall counts for each request that it
    delayed."""

    command: str
    answered: int
    refused: int
    lost: int
    per_second: float
    p50_ms: float
    p99_ms: float

    @property
    def requests_per_second(self) -> float:
        """All responses per second, whatever their status."""
        return self.per_second * (self.answered + self.refused) / max(self.answered, 1)


def book(
    servers: Sequence[Server], events: Sequence[UUID], tokens: Path, *, connections: int, seconds: int, partitioned: bool = False
) -> LoadResult:
    """Books single seats of these Events in turn, with full garbage collections of each server during the load.

    `partitioned`: sends each Event's bookings to one server only, as nginx does. Raises BenchError if wrk fails."""
    headers = f"Content-Type: application/json\\r\\nContent-Length: {len(BODY)}\\r\\n"
    variables = {"method": "POST", "headers": headers, "key": uuid4(), "tail": f"\\r\\n\\r\\n{BODY}"}
    processes = {server.port: server.process for server in servers}.values()
    shares = [
        [event for event in events if event.int % len(servers) == index] if partitioned else events for index in range(len(servers))
    ]
    timers = [
        Timer(seconds * number / (FULL_COLLECTIONS + 1), process.collect_garbage)
        for number in range(1, FULL_COLLECTIONS + 1)
        for process in processes
    ]
    for timer in timers:
        timer.start()
    try:
        paths = list(map(booking_paths, shares))
        return _wrk(servers, paths, tokens, variables, directory=tokens.parent, connections=connections, seconds=seconds)
    finally:
        for timer in timers:
            timer.cancel()


def get(
    server: Server, paths: Iterable[str], tokens: Path | None, *, header: str = "", directory: Path, connections: int, seconds: int
) -> LoadResult:
    """GETs these paths in turn, with the tokens in turn or without any. `header`: one more, as a line."""
    variables = {"method": "GET", "headers": f"{header}\\r\\n" if header else "", "key": "", "tail": "\\r\\n"}
    return _wrk([server], [paths], tokens, variables, directory=directory, connections=connections, seconds=seconds)


def booking_paths(events: Iterable[UUID]) -> list[str]:
    return [f"/api/events/{event_id}/bookings" for event_id in events]


def _wrk(
    servers: Sequence[Server], paths: Sequence[Iterable[str]], tokens: Path | None, variables: Mapping[str, object], *,
    directory: Path, connections: int, seconds: int,
) -> LoadResult:  # fmt: skip
    """`paths`: for each server, its own."""
    script, paths_file = directory / "load.lua", directory / "load.paths"
    for number, share in enumerate(paths, start=1):
        paths_file.with_suffix(f".paths.{number}").write_text("".join(f"{path}\n" for path in share))
    ports = ", ".join(f'"{server.port}"' for server in servers)
    script.write_text(_SCRIPT.substitute(variables, host=HOST, ports=ports, paths=paths_file, tokens=tokens or "/dev/null"))
    return _run(script, servers, connections, seconds)


def send(server: Server, requests: Iterable[str], *, directory: Path, connections: int, seconds: int) -> LoadResult:
    """Sends these whole requests, in their order, on whichever connection is free. Raises BenchError if wrk fails."""
    script, requests_file = directory / "listed.lua", directory / "listed.requests"
    requests_file.write_text("\0".join(requests))
    script.write_text(_LISTED.substitute(requests=requests_file))
    return _run(script, [server], connections, seconds)


def _run(script: Path, servers: Sequence[Server], connections: int, seconds: int) -> LoadResult:
    url = f"http://{HOST}:{servers[0].port}"
    options = [f"-t{len(servers)}", f"-c{connections}", f"-d{seconds}s", "--timeout", f"{TIMEOUT_SECONDS}s", "-s", str(script), url]
    done = subprocess.run([find_wrk(), *options], capture_output=True, text=True, check=False, timeout=seconds + 60)
    return parse_result(" ".join(["wrk", *options]), done.stdout, done.stderr)


def parse_result(command: str, stdout: str, stderr: str = "") -> LoadResult:
    line = next((line for line in stdout.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise BenchError(f"wrk failed: {' '.join((stderr or stdout).split())[:300]}")
    counts = json.loads(line.removeprefix("RESULT "))
    answered = counts["requests"] - counts["refused"]
    return LoadResult(
        command=command,
        answered=answered,
        refused=counts["refused"],
        lost=counts["lost"] + counts["late"],
        per_second=answered / (counts["microseconds"] / 1e6),
        p50_ms=counts["p50"] / 1000,
        p99_ms=counts["p99"] / 1000,
    )


def load_row(benchmark: str, what: str, runs: Sequence[LoadResult], unit: str) -> Row:
    """Medians over the rounds, of all responses."""
    rates = [run.requests_per_second for run in runs]
    return Row(
        benchmark=benchmark, what=what, value=median(rates), unit=unit, spread=spread(rates),
        p50_ms=median(run.p50_ms for run in runs), p99_ms=median(run.p99_ms for run in runs),
    )  # fmt: skip
