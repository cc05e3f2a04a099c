"""`python -m devstack` as a process: its environment, waiting for it, and its error message."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from tests.running_system import free_port

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 60


def environment_of(data_dir: Path, **settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "KEYS_DIR")}
    return {**kept, "DATA_DIR": str(data_dir), "DEMO": "0", "PORT": str(free_port()), **settings}


def wait_until_serving(process: psutil.Popen, log: Path) -> None:
    """Waits until the stack prints its address."""
    deadline = time.monotonic() + START_SECONDS
    while "Seatledger is at" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def refusal(environment: Mapping[str, str]) -> str:
    """The error message, after checking that it is one line and the exit status is 1."""
    done = subprocess.run(
        [sys.executable, "-m", "devstack"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert not done.stdout
    assert done.stderr.count("\n") == 1
    return done.stderr
