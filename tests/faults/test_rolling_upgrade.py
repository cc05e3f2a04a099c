"""A rolling upgrade from the last release behind the shipped nginx, while tickets are sold: no request fails (R21).

The last release is the last tag, else the commit before the newest migration was added. Its code is taken from git."""

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

import migrations
from ledger.settings import Settings
from tests.faults.ledger_check import check_ledger, check_rows, operator, wait_until_projected
from tests.faults.steady_sale import steady_sale
from tests.running_system import ROOT, free_port, system_settings, wait_until_ready
from tests.shipped_nginx import shipped_nginx
from tests.soak import SOAK

STOP_SECONDS = 30


def git(*words: str) -> str:
    """What git says; empty if it fails, as where there is no history."""
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def find_last_release() -> str:
    """Its commit; empty: it is not in this clone, or from before rolling restarts (decision 0047)."""
    newest = next((ROOT / "migrations" / "versions").glob(f"{migrations.head()}_*.py"))
    names = [git("describe", "--tags", "--abbrev=0", "HEAD^"), f"{added(newest.relative_to(ROOT))}^"]
    commits = [git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") for name in names if name.strip("^")]
    return next((commit for commit in commits if git("ls-tree", commit, "app/draining.py")), "")


def added(path: Path) -> str:
    """The commit that added the file."""
    return git("log", "--diff-filter=A", "--format=%H", "--", path.as_posix()).rpartition("\n")[2]


@pytest.fixture
def last_release(tmp_path: Path) -> Path:
    """A directory with its code."""
    commit = find_last_release()
    if not commit:
        pytest.skip("the last release is not in this clone: git fetch --unshallow --tags")
    packed, code = tmp_path / "last-release.tar", tmp_path / "last-release"
    git("archive", "--output", str(packed), commit)
    with tarfile.open(packed) as archive:
        archive.extractall(code, filter="data")
    return code


class Roller:
    """Processes of the one release or the other; each can be replaced by the other's."""

    def __init__(self, settings: Settings, old: Path) -> None:
        self.ports = {"api1": settings.port, "api2": free_port()}
        self._environment = {**os.environ, **settings.to_env()}
        self._running = {name: self._start(name, old) for name in ("api1", "api2", "worker", "tick")}

    def _start(self, name: str, code: Path) -> "subprocess.Popen[bytes]":
        words = ["workers", name] if name not in self.ports else ["app"]
        environment = {**self._environment, "PORT": str(self.ports.get(name, 0) or self.ports["api1"])}
        return subprocess.Popen([sys.executable, "-m", *words], cwd=code, env=environment)

    def wait_until_ready(self, name: str) -> None:
        wait_until_ready(f"http://127.0.0.1:{self.ports[name]}", self._running[name])

    def upgrade(self, name: str) -> None:
        self._stop(name)
        self._running[name] = self._start(name, ROOT)
        if name in self.ports:
            self.wait_until_ready(name)

    def _stop(self, name: str) -> None:
        self._running[name].terminate()
        self._running[name].wait(STOP_SECONDS)

    def stop(self) -> None:
        for name in self._running:
            self._stop(name)


@pytest.fixture
def settings(empty_database_url: str, redis_url: str, tmp_path: Path, last_release: Path) -> Settings:
    settings = replace(system_settings(empty_database_url, redis_url, tmp_path / "data"), verify_hours=0)
    environment = {**os.environ, **settings.to_env()}
    subprocess.run([sys.executable, "-m", "migrations", "upgrade"], cwd=last_release, env=environment, check=True)
    return settings


@pytest.fixture
def roller(settings: Settings, last_release: Path) -> Iterator[Roller]:
    roller = Roller(settings, last_release)
    yield roller
    roller.stop()


@pytest.mark.skipif(not SOAK, reason="needs the history of git: make soak")
def test_rolling_upgrade_fails_no_request(roller: Roller, settings: Settings, tmp_path: Path) -> None:
    front = free_port()
    with ExitStack() as stack:
        stack.enter_context(shipped_nginx(tmp_path, front, list(roller.ports.values())))
        for name in roller.ports:
            roller.wait_until_ready(name)
        with steady_sale(settings, f"http://127.0.0.1:{front}", held_share=0) as sale:  # the last release has none
            before = migrations.current(settings.database_url)
            sale.wait_for(20)
            migrations.upgrade(settings.database_url)
            sale.wait_for(20)
            for name in ("api1", "api2", "worker", "tick"):
                roller.upgrade(name)
                sale.wait_for(20)
    wait_until_projected(settings)
    found = check_ledger(settings, sale)
    print(f"\nR21: from revision {before} to {migrations.current(settings.database_url)}: {sale.figures()}")
    assert set(sale.tries) <= {"200", "201", "409 sold-out"}
    assert set(sale.reads) == {"200"}
    assert (found.lost, found.lost_cancellations) == (set(), set())
    check_rows(settings)
    status, output = operator(settings, "verify")
    assert (status, "Proven" in output) == (0, True), output
