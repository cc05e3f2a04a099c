"""scripts/setup.sh and scripts/run.sh do the same as `make setup` and `make run`."""

import os
import re
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

import migrations
from tests.devstack.stack_process import wait_until_serving
from tests.running_system import free_port

ROOT = Path(__file__).parent.parent.parent


def _environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "KEYS_DIR", "MAKEFLAGS")}
    return {**kept, "DEMO": "0", "PORT": str(free_port()), **settings}


def _run(script: str, environment: dict[str, str]) -> str:
    done = subprocess.run([f"scripts/{script}"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_setup_migrates_the_database_of_database_url(empty_database_url: str, redis_url: str, server_directory: Path) -> None:
    servers = {"DATABASE_URL": empty_database_url, "REDIS_URL": redis_url, "ALLOW_UNSAFE_DATABASE": "1"}
    environment = _environment(**servers, DATA_DIR=str(server_directory))
    for _ in range(2):  # a second run succeeds too
        assert "The database is ready." in _run("setup.sh", environment)
        assert migrations.current(empty_database_url) == migrations.head()


def test_setup_script_creates_a_database_that_the_run_script_uses(server_directory: Path) -> None:
    environment, log = _environment(DATA_DIR=str(server_directory / "data")), server_directory / "log"
    _run("setup.sh", environment)
    assert (server_directory / "data" / "postgresql").is_dir()
    assert not (server_directory / "data" / "database_url").exists(), "nothing stays running"
    with log.open("wb") as output:
        process = psutil.Popen([ROOT / "scripts" / "run.sh"], env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        wait_until_serving(process, log)
        family = process.children(recursive=True)
        assert {"app", "worker", "tick"} <= {member.cmdline()[-1] for member in family if member.cmdline()}
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)
    _, alive = psutil.wait_procs(family, timeout=10)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.parametrize("script", ["setup.sh", "run.sh"])
def test_each_script_calls_make(script: str) -> None:
    """The scripts only call make, so the steps exist once."""
    path = ROOT / "scripts" / script
    assert path.stat().st_mode & 0o111
    *_, last = path.read_text().splitlines()
    assert re.fullmatch(r"exec make( \w+)+", last)
