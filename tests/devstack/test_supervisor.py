"""The supervisor restarts processes with growing delays, ends all if an essential one ends, and leaves none running."""

import io
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from devstack.supervisor import ProcessSpec, RestartBackoff, Supervisor

FAST = RestartBackoff(first_seconds=0.1, longest_seconds=0.4, stable_seconds=1.5)


def process(name: str, program: str, *, essential: bool = False) -> ProcessSpec:
    return ProcessSpec(name=name, command=[sys.executable, "-c", program], essential=essential)


def supervise(*specs: ProcessSpec, until: Callable[[str], bool], backoff: RestartBackoff = FAST) -> tuple[str | None, str]:
    """Runs the supervisor until `until` is true of the output. Returns the reason of its end and the output."""
    output, others = io.StringIO(), psutil.Process().children()
    supervisor = Supervisor(specs, environment={"PYTHONUNBUFFERED": "1"}, output=output, backoff=backoff)

    def watch() -> None:
        deadline = time.monotonic() + 30
        while not until(output.getvalue()) and time.monotonic() < deadline:
            time.sleep(0.02)
        supervisor.stop()

    threading.Thread(target=watch, daemon=True).start()
    reason = supervisor.run()
    assert set(psutil.Process().children()) <= set(others)
    return reason, output.getvalue()


def test_ended_process_restarts_after_a_growing_delay() -> None:
    reason, output_text = supervise(process("tick", "print('up'); raise SystemExit(3)"), until=lambda text: text.count("| up") == 6)
    assert reason is None
    delays = re.findall(r"system \| tick ended by itself \(exit status 3\)(.*): it starts again in ([\d.]+) s\n", output_text)
    assert delays[:5] == [
        ("", "0.1"),
        (", 2 times in a row", "0.2"),
        (", 3 times in a row", "0.4"),
        (", 4 times in a row", "0.4"),
        (", 5 times in a row", "0.4"),
    ]


def test_delay_is_reset_after_a_stable_time() -> None:
    program = "import time; print('up'); time.sleep(2); raise SystemExit(1)"
    _, output_text = supervise(process("tick", program), until=lambda text: text.count("| up") == 3)
    assert re.findall(r"(\S+) s\n", output_text) == ["0.1", "0.1"]


def test_other_processes_continue(tmp_path: Path) -> None:
    started = tmp_path / "started"
    program = f"import pathlib, time; pathlib.Path({str(started)!r}).open('a').write('x'); time.sleep(60)"
    reason, output_text = supervise(
        process("api", program, essential=True),
        process("worker", "import os, signal; print('up'); os.kill(os.getpid(), signal.SIGKILL)"),
        until=lambda text: text.count("| up") == 3,
    )
    assert reason is None
    assert "worker ended by itself (SIGKILL): it starts again in 0.1 s" in output_text
    assert started.read_text() == "x"


def test_end_of_an_essential_process_ends_the_others() -> None:
    reason, _ = supervise(
        process("api", "import time; time.sleep(0.5); raise SystemExit(1)", essential=True),
        process("worker", "import time; time.sleep(60)"),
        until=lambda _: False,
    )
    assert reason == "api ended by itself (exit status 1)"


@pytest.mark.parametrize(
    ("essential", "reason"), [(True, "api ended by itself (it does not start: No such file or directory)"), (False, None)]
)
def test_missing_program_is_reported(essential: bool, reason: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    missing = ProcessSpec(name="api", command=["/no/such/program"], essential=essential)
    ended, output_text = supervise(missing, until=lambda output_text: "2 times in a row" in output_text)
    assert ended == reason
    assert ("it starts again" in output_text) is not essential


def test_process_that_ignores_sigterm_is_killed() -> None:
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(60)"
    begun = time.monotonic()
    assert supervise(process("worker", program), until=lambda output_text: "| up" in output_text)[0] is None
    assert 5 <= time.monotonic() - begun < 10


def test_output_lines_are_complete_and_invalid_utf_8_is_replaced() -> None:
    program = "import sys, time; sys.stdout.buffer.write(b'\\xff' + b'x' * 200_000 + b'\\nend'); sys.stdout.flush(); time.sleep(60)"
    _, output_text = supervise(process("worker", program), until=lambda output_text: "\n" in output_text)
    first, *_ = output_text.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d worker \| \ufffdx{200000}", first)


def test_delay_is_bounded() -> None:
    assert [RestartBackoff().delay_seconds(exits) for exits in (1, 2, 5, 6, 10_000)] == [1, 2, 16, 30, 30]


def test_descendants_of_an_ended_process_end_before_it_starts_again() -> None:
    program = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)"
    _, output_text = supervise(process("worker", program), until=lambda text: len(re.findall(r"\| \d+\n", text)) == 2)
    descendants = list(map(int, re.findall(r"\| (\d+)\n", output_text)))
    assert len(descendants) == 2
    assert not [pid for pid in descendants if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]
