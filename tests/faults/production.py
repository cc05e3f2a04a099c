"""The production shape on loopback: two API processes behind the shipped nginx, two workers and two ticks, restarted when they end,
as Docker or Kubernetes do."""

import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from multiprocessing import Pipe
from pathlib import Path
from typing import cast

import psutil

from devstack.supervisor import ProcessSpec, RestartBackoff, Supervisor
from ledger.settings import Settings
from tests.devstack.stack_process import environment_of
from tests.forked_processes import ForkedProcess
from tests.running_system import free_port, wait_until_ready
from tests.shipped_nginx import shipped_nginx
from tests.workers.deployment import wait_until

ROOT = Path(__file__).parent.parent.parent
#: Docker's, but that a process which ran for 10 s counts as stable: it was a test that ended it.
BACKOFF = RestartBackoff(first_seconds=0.1, longest_seconds=60, stable_seconds=10)


class _ForkedGroup(ForkedProcess):
    """In a process group of its own. `stdout`: what it prints."""

    def __init__(self, words: tuple[str, ...], environment: Mapping[str, str]) -> None:
        ours, theirs = Pipe(duplex=False)
        with ours, theirs:
            super().__init__(("tests.faults.process_group", *words), environment, theirs)
            self.stdout = os.fdopen(os.dup(ours.fileno()), "rb")


class ForkingSupervisor(Supervisor):
    """Its commands are words for `python -m`, in processes that have imported the modules: a start takes a third of the CPU."""

    def popen(self, spec: ProcessSpec, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        return cast("subprocess.Popen[bytes]", _ForkedGroup(tuple(spec.command), environment))


@contextmanager
def restarted(
    specs: list[ProcessSpec], environment: dict[str, str], log: Path, supervised_by: type[Supervisor] = Supervisor
) -> Iterator[Supervisor]:
    """Runs processes, and starts each again when it ends. What they print goes to `log`, a line each with its process's name."""
    with log.open("w") as output:
        supervisor = supervised_by(specs, environment=environment, output=output, backoff=BACKOFF)
        thread = threading.Thread(target=supervisor.run)
        thread.start()
        try:
            yield supervisor
        finally:
            supervisor.stop()
            thread.join()


class Production:
    """`url`: of nginx. `apis`: the URLs of the API processes by their names."""

    def __init__(self, settings: Settings, url: str, apis: dict[str, str], log: Path, supervisor: Supervisor) -> None:
        self.settings, self.url, self.apis, self._log = settings, url, apis, log
        self._supervised = {supervised.spec.name: supervised for supervised in supervisor._supervised}

    @property
    def names(self) -> list[str]:
        return sorted(self._supervised)

    def process(self, name: str) -> psutil.Process | None:
        """None while it is not running."""
        process = self._supervised[name].process
        if process is None or process.poll() is not None:
            return None
        try:
            return psutil.Process(process.pid)
        except psutil.NoSuchProcess:
            return None

    def all_run(self) -> bool:
        return all(self.process(name) is not None for name in self.names)

    def wait_until_ready(self) -> None:
        for url in self.apis.values():
            wait_until_ready(url)

    def replace(self, name: str) -> None:
        """Stops a process as an upgrade does; returns when it runs again, an API once it is ready."""
        old = self.process(name)
        if old is not None:
            old.terminate()
            wait_until(lambda: self.process(name) not in (None, old), f"another {name}")
        if name in self.apis:
            wait_until_ready(self.apis[name])

    def critical_lines(self) -> dict[str, list[str]]:
        """What each process logged as CRITICAL."""
        lines: dict[str, list[str]] = {}
        for line in self._log.read_text().splitlines():
            name, _, message = line[9:].partition(" | ")
            if message.startswith("CRITICAL"):
                lines.setdefault(name.strip(), []).append(message)
        return lines


@contextmanager
def production(settings: Settings, directory: Path) -> Iterator[Production]:
    """`directory`: for logs, and the files of nginx."""
    front, ports = free_port(), {"api1": settings.port, "api2": free_port()}
    specs = [ProcessSpec(name=name, command=["app"], environment={"PORT": str(port)}) for name, port in ports.items()]
    specs += [ProcessSpec(name=f"{part}{n}", command=["workers", part]) for part in ("worker", "tick") for n in (1, 2)]
    environment, log = {**environment_of(directory), **settings.to_env()}, directory / "production.log"
    with ExitStack() as stack:
        supervisor = stack.enter_context(restarted(specs, environment, log, ForkingSupervisor))
        stack.enter_context(shipped_nginx(directory, front, list(ports.values())))
        apis = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        running = Production(settings, f"http://127.0.0.1:{front}", apis, log, supervisor)
        running.wait_until_ready()
        yield running
