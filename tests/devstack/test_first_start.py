"""The first start on a machine with only Python and `make`: for root in a home of mode 0700, and for an ordinary user."""

import http.client
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.devstack.stack_process import wait_until_serving
from tests.running_system import free_port

ROOT = Path(__file__).parent.parent.parent
#: What a newcomer need not have.
MISSING = (
    "node", "nodejs", "npm", "npx", "corepack", "java", "nginx", "chromium", "chromium-headless-shell", "psql", "postgres",
    "initdb", "redis-server",
)  # fmt: skip

#: Of the page, in `frontend/`.
BUILT = ("node_modules", "dist")
#: Of this machine, and of this test run.
NOT_THEIRS = (
    "HOME", "DATABASE_URL", "REDIS_URL", "KEYS_DIR", "DATA_DIR", "MAKEFLAGS", "MAKELEVEL", "PYTHON", "TMPDIR", "VIRTUAL_ENV"
)  # fmt: skip

pytestmark = [
    pytest.mark.skipif("CI" not in os.environ, reason="it takes minutes and makes a user: CI=1 runs it, as root"),
    pytest.mark.timeout(900),
]


@dataclass(frozen=True)
class Newcomer:
    """A user with a clone in a home directory. `options`: for `subprocess`."""

    home: Path
    environment: dict[str, str]
    options: dict[str, Any]

    @property
    def clone(self) -> Path:
        return self.home / "clone"

    def make(self, target: str) -> None:
        done = _run("make", target, cwd=self.clone, env=self.environment, **self.options)
        assert done.returncode == 0, done.stdout + done.stderr

    @contextmanager
    def running(self, log: Path) -> Iterator[psutil.Process]:
        """Runs `make run` until it serves, in a session of its own, like in a terminal."""
        options = {"cwd": self.clone, "env": self.environment, "start_new_session": True, **self.options}
        with log.open("wb") as output:
            process = psutil.Popen(["make", "run"], stdout=output, stderr=output, **options)
        try:
            wait_until_serving(process, log)
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _run(*command: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="module")
def tools() -> Iterator[Path]:
    """A folder for PATH with all programs of the machine except those that a newcomer may lack."""
    with tempfile.TemporaryDirectory(prefix="seatledger-tools-") as name:
        tools = Path(name)
        tools.chmod(0o755)
        for folder in ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"):
            for program in Path(folder).glob("*"):
                if not program.name.startswith(MISSING) and not (tools / program.name).is_symlink():
                    (tools / program.name).symlink_to(program)
        yield tools


@pytest.fixture(scope="module")
def page() -> Iterator[Path]:
    """A folder in which root's test leaves the built page for the user's test, because npm takes long."""
    with tempfile.TemporaryDirectory(prefix="seatledger-page-") as name:
        yield Path(name)


@pytest.fixture(params=["root", "user"])
def newcomer(request: pytest.FixtureRequest, tools: Path, page: Path) -> Iterator[Newcomer]:
    """Root also has no HOME and the strictest umask."""
    environment = {name: value for name, value in os.environ.items() if name not in NOT_THEIRS}
    environment |= {"PATH": str(tools), "PORT": str(free_port())}
    with tempfile.TemporaryDirectory(prefix="seatledger-first-") as name, ExitStack() as stack:
        Path(name).chmod(0o755)
        home = Path(name) / "home"
        home.mkdir(0o700)
        options: dict[str, Any] = {"umask": 0o077}
        if request.param == "user":
            user = stack.enter_context(_user(home))
            environment |= {"HOME": str(home), "USER": user, "LOGNAME": user}
            options = {"user": user, "group": user, "extra_groups": []}
        _fill(home / "clone")
        _move(BUILT, page, home / "clone" / "frontend")
        _run("chown", "-R", options.get("user", "root"), home).check_returncode()
        yield Newcomer(home, environment, options)
        _move(BUILT, home / "clone" / "frontend", page)


@contextmanager
def _user(home: Path) -> Iterator[str]:
    name = f"seatledger-{secrets.token_hex(3)}"
    _run("useradd", "--system", "--user-group", "--home-dir", home, name).check_returncode()
    try:
        yield name
    finally:
        _run("userdel", name).check_returncode()


def _move(names: tuple[str, ...], source: Path, target: Path) -> None:
    for name in names:
        if (source / name).exists():
            (source / name).rename(target / name)


def _fill(clone: Path) -> None:
    """Copies the files that git has or would add, with their times, so that built files are newer."""
    listed = _run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in listed.stdout.split("\0")[:-1]:
        if (ROOT / name).exists():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)


def test_setup_and_run_serve_the_page_and_leave_no_process(newcomer: Newcomer) -> None:
    newcomer.make("setup")
    try:
        with newcomer.running(newcomer.home / "log") as process:
            assert _get(newcomer.environment["PORT"]) == (200, "text/html; charset=utf-8", True)
            family = [process, *process.children(recursive=True)]
            assert {"postgres", "valkey-server"} <= {member.name() for member in family}
            os.killpg(process.pid, signal.SIGINT)
            process.wait(30)
        _, alive = psutil.wait_procs(family, timeout=10)
        assert [member for member in alive if member.status() != psutil.STATUS_ZOMBIE] == []
        assert (newcomer.home / "log").read_text().rstrip().endswith("Stopped.")
    finally:
        newcomer.make("clean-data")
    assert not (newcomer.clone / ".data").exists()


def _get(port: str) -> tuple[int, str | None, bool]:
    """The page's status and media type, and whether it is the built file."""
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], b'<div id="root">' in response.read()
    finally:
        connection.close()
