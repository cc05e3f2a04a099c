"""A real nginx with the configuration that we ship."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

ROOT = Path(__file__).parent.parent


@contextmanager
def shipped_nginx(home: Path, port: int, api_ports: list[int]) -> Iterator[None]:
    """Listens on the port, in front of API processes on theirs; its files are in `home`."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    assert program, "These tests need nginx: make system"
    template = Template((ROOT / "nginx" / "nginx.conf.template").read_text())
    servers = " ".join(f"server 127.0.0.1:{api_port} max_fails=0;" for api_port in api_ports)
    config = home / "nginx.conf"
    config.write_text(template.safe_substitute(API_SERVERS=servers, NGINX_PORT=f"127.0.0.1:{port}"))
    command = [program, "-p", str(home), "-c", str(config), "-g", f"daemon off; pid {home}/nginx.pid;"]
    log = home / "nginx.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 10
        while not _listens(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
