"""A real nginx with the shipped configuration."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

import yaml

from tests import tools

ROOT = Path(__file__).parent.parent
DOCKERS_RESOLVER = "resolver 127.0.0.11 valid=2s; "


@contextmanager
def shipped_nginx(home: Path, port: int, api_ports: list[int], more: str = "") -> Iterator[None]:
    """Starts nginx on the port, in front of two API processes on other ports. Its files are in `home`. `more`: directives that
    follow that of the port."""
    program = tools.find("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    template = Template((ROOT / "deploy" / "nginx" / "nginx.conf.template").read_text())
    services = yaml.safe_load((ROOT / "deploy" / "compose.production.yml").read_text())["services"]
    # Names are resolved by Docker only, and by later versions of nginx than Debian's.
    servers = services["nginx"]["environment"]["API_SERVERS"].replace(" resolve;", ";").replace(DOCKERS_RESOLVER, "")
    for number, api_port in enumerate(api_ports, 1):
        assert f"api{number}:8000" in servers, "compose has as many processes as the test"
        servers = servers.replace(f"api{number}:8000", f"127.0.0.1:{api_port}")
    config = home / "nginx.conf"
    shipped = template.safe_substitute(API_SERVERS=servers, NGINX_PORT=f"127.0.0.1:{port}{more}", NGINX_CACHE=f"{home}/cache")
    if os.geteuid() != 0:  # an ordinary user may not write to Debian's folder for bodies
        shipped = shipped.replace("http {", f"http {{ client_body_temp_path {home}/bodies;", 1)
    config.write_text(shipped)
    user = "" if os.geteuid() else "user root;"  # else nobody, who may not enter `home`
    command = [program, "-p", str(home), "-c", str(config), "-g", f"daemon off; {user} pid {home}/nginx.pid;"]
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
