"""Load by wrk: one thread, so many connections, each request another customer's and with its own Idempotency-Key."""

import json
import subprocess
from pathlib import Path
from string import Template
from threading import Timer
from typing import NamedTuple
from uuid import UUID, uuid4

from benchmarks.collectable import FULL_COLLECTIONS
from benchmarks.machine import BenchError, find_wrk
from benchmarks.processes import HOST, Process

CATEGORY = "General"
BODY = '{"tickets":[{"category":"General","quantity":1}]}'
#: Nobody waits longer; the ORM peers take a second at 256 connections.
TIMEOUT_SECONDS = 10

_SCRIPT = Template("""\
local heads, count, sent = {}, 0, 0
for token in io.lines("$tokens") do
  count = count + 1
  heads[count] = "POST $path HTTP/1.1\\r\\nHost: $host\\r\\nContent-Type: application/json\\r\\nContent-Length: $length\\r\\n"
    .. "Authorization: Bearer " .. token .. "\\r\\nIdempotency-Key: $key-"
end

request = function()
  sent = sent + 1
  return heads[sent % count + 1] .. sent .. '\\r\\n\\r\\n$body'
end

done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nRESULT {"requests": %d, "microseconds": %d, "refused": %d, '
      .. '"lost": %d, "late": %d, "p50": %d, "p99": %d}\\n',
    summary.requests, summary.duration, e.status, e.connect + e.read + e.write, e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
""")


class Run(NamedTuple):
    """What wrk counted. `refused` are answers above 399, `lost` broken connections and answers past the time-out; the other answers
    are 201s. Its p50 and p99 are corrected for coordinated omission: one stall counts for every request that it kept from being
    sent."""

    command: str
    answered: int
    refused: int
    lost: int
    per_second: float
    p50_ms: float
    p99_ms: float


def book(server: Process, port: int, event_id: UUID, tokens: Path, *, connections: int, seconds: int) -> Run:
    """Books single seats as fast as the server answers, past full collections of it. Raises BenchError where wrk fails."""
    path = f"/api/events/{event_id}/bookings"
    script = tokens.with_name("book.lua")
    script.write_text(_SCRIPT.substitute(tokens=tokens, path=path, host=f"{HOST}:{port}", length=len(BODY), key=uuid4(), body=BODY))
    timers = [Timer(seconds * part / (FULL_COLLECTIONS + 1), server.collect_garbage) for part in range(1, FULL_COLLECTIONS + 1)]
    for timer in timers:
        timer.start()
    try:
        return wrk(f"http://{HOST}:{port}{path}", script, connections=connections, seconds=seconds)
    finally:
        for timer in timers:
            timer.cancel()


def wrk(url: str, script: Path, *, connections: int, seconds: int) -> Run:
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", f"{TIMEOUT_SECONDS}s", "-s", str(script), url]
    done = subprocess.run([find_wrk(), *options], capture_output=True, text=True, check=False, timeout=seconds + 60)
    return read(" ".join(["wrk", *options]), done.stdout, done.stderr)


def read(command: str, said: str, complained: str = "") -> Run:
    line = next((line for line in said.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise BenchError(f"wrk failed: {' '.join((complained or said).split())[:300]}")
    found = json.loads(line.removeprefix("RESULT "))
    answered = found["requests"] - found["refused"]
    return Run(
        command=command,
        answered=answered,
        refused=found["refused"],
        lost=found["lost"] + found["late"],
        per_second=answered / (found["microseconds"] / 1e6),
        p50_ms=found["p50"] / 1000,
        p99_ms=found["p99"] / 1000,
    )
