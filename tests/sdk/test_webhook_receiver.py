"""The example receiver of webhooks, run against a real system: it verifies, drops what it has, and resumes after a gap."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.running_system import PASSWORD, Person, Stack, free_port, tickets

ROOT = Path(__file__).parent.parent.parent
SECONDS = 60


class Example:
    def __init__(self, port: int, output: Path) -> None:
        self.url, self._output = f"http://127.0.0.1:{port}/", output

    def lines(self) -> list[str]:
        return self._output.read_text().splitlines()

    def wait_for(self, condition: Callable[[list[str]], bool]) -> list[str]:
        deadline = time.monotonic() + SECONDS
        while not condition(self.lines()):
            assert time.monotonic() < deadline, self.lines()
            time.sleep(0.1)
        return self.lines()


@contextmanager
def example(stack: Stack, organizer: Person, directory: Path) -> Iterator[Example]:
    script = (ROOT / "sdk" / "examples" / "webhook_receiver.py").read_text()
    script = script.replace("organizer@example.test", organizer.email).replace("demo-password", PASSWORD)
    (directory / "receiver.py").write_text(script)
    port, output = free_port(), directory / "output"
    command = [sys.executable, str(directory / "receiver.py"), stack.url, str(port), str(directory / "received")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "sdk")}
    with (
        output.open("w") as file,
        subprocess.Popen(command, cwd=directory, stdout=file, stderr=file, env=environment) as process,
    ):
        try:
            running = Example(port, output)
            running.wait_for(lambda lines: any("is received at" in line for line in lines))
            yield running
        finally:
            process.terminate()


def book(stack: Stack, customer: Person, event: dict[str, Any], number: int = 1) -> list[int]:
    """The positions of the bookings."""
    return [customer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1))["number"] for _ in range(number)]


def test_example_receives_verifies_and_resumes_after_a_gap(stack: Stack, organizer: Person, alice: Person, tmp_path: Path) -> None:
    event = stack.event(organizer)
    with example(stack, organizer, tmp_path) as running:
        (webhook,) = [one for one in organizer.ok("GET", "/api/webhooks")["items"] if one["url"] == running.url]
        path = f"/api/webhooks/{webhook['id']}"
        first = book(stack, alice, event)
        running.wait_for(lambda lines: f"booking.created at {first[0]}: received" in lines)

        organizer.ok("PATCH", path, {"state": "paused"})
        missed = book(stack, alice, event, 3)
        organizer.see(f"/api/events/{event['id']}")
        deadline = time.monotonic() + SECONDS
        while organizer.ok("GET", path)["last_position"] != missed[-1]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        organizer.ok("PATCH", path, {"state": "active"})
        after = book(stack, alice, event)
        running.wait_for(lambda lines: f"booking.created at {after[0]}: received" in lines)
        lines = running.lines()
        assert f"booking.created at {after[0]}: gap after {first[0]}" in lines
        assert f"booking.created at {first[0]}: known" in lines
        assert [line for line in lines if line.endswith(": received")] == [
            f"booking.created at {position}: received" for position in (*first, *missed, *after)
        ]

        organizer.ok("POST", f"{path}/test")
        running.wait_for(lambda lines: "webhook.test at None: test" in lines)
        forged = httpx.post(running.url, json={"type": "booking.created"}, headers={"webhook-id": "x"})
        assert forged.status_code == 401
    assert organizer.do("GET", path).status_code == 404


def test_example_keeps_what_it_received_when_it_is_started_again(
    stack: Stack, organizer: Person, alice: Person, tmp_path: Path
) -> None:
    event = stack.event(organizer)

    def receive_one() -> None:
        with example(stack, organizer, tmp_path) as running:
            (position,) = book(stack, alice, event)
            running.wait_for(lambda lines: f"booking.created at {position}: received" in lines)

    receive_one()
    receive_one()
    assert len((tmp_path / "received").read_text().splitlines()) == 2
