"""A server of our own as a child process: started, watched, and stopped at the end of a block."""

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from devstack.child_process import ending_with_parent
from devstack.readiness import wait_until
from devstack.server_user import ServerError, run_as_server, server_identity

START_SECONDS = 60.0
STOP_SECONDS = 20.0


@contextmanager
def server_process(
    name: str,
    command: list[str | Path],
    home: Path,
    *,
    ready: Callable[[], bool],
    stop: tuple[signal.Signals, ...],
    on_exit: Callable[[str], None],
    stdin: str = "",
) -> Iterator[None]:
    """Runs the command until the end of the block. Raises ServerError if it is not `ready` within START_SECONDS.

    It has a session of its own, so that Ctrl-C does not reach it and we stop it last. `stop`: the signals that stop it, each after
    STOP_SECONDS. `on_exit` is called, in a thread, if it ends by itself."""
    log = home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ending_with_parent(list(map(str, command)), stop[0]),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=home,
            start_new_session=True,
            **server_identity(),
        )
    stopping = threading.Event()

    def watch() -> None:
        process.wait()
        if not stopping.is_set():
            on_exit(f"{name} ended by itself; its log is {log}.")

    try:
        assert process.stdin is not None
        process.stdin.write(stdin.encode())
        process.stdin.close()
        if not wait_until(lambda: process.poll() is not None or ready(), START_SECONDS) or process.poll() is not None:
            raise ServerError(f"{name} does not start in {home}: {last_line(log.read_text(errors='replace'))}")
        threading.Thread(target=watch, daemon=True).start()
        yield
    finally:
        stopping.set()
        _stop(process, stop)


def _stop(process: subprocess.Popen[bytes], signals: tuple[signal.Signals, ...]) -> None:
    for number in (*signals, signal.SIGKILL):
        if process.poll() is None:
            send_signal(process, number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return


def send_signal(process: "subprocess.Popen[bytes] | psutil.Process", number: signal.Signals) -> None:
    """Sends the signal as the servers' user where root lacks the capability to signal other users' processes."""
    try:
        process.send_signal(number)
    except (PermissionError, psutil.AccessDenied):
        run_as_server("sh", "-c", f"kill -{int(number)} {process.pid}")


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["its log is empty"]
    line = next((line for line in reversed(lines) if "FATAL" in line or "error:" in line), lines[-1])
    return line.split("FATAL: ")[-1].strip()
