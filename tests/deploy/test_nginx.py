"""The shipped nginx configuration in a real nginx, in front of two stand-ins for API processes."""

import http.client
import http.server
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.shipped_nginx import shipped_nginx

ROOT = Path(__file__).parent.parent.parent
LIVE_LINE = b"data: 1\n\n"


@dataclass
class StandIn:
    """A server that responds with its number and records requests. While `dying`, it reads a request and closes the connection."""

    number: int
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    dying: bool = False
    port: int = 0

    @contextmanager
    def serving(self) -> Iterator[None]:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        server.daemon_threads = True
        self.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                stand_in.seen.append((self.command, self.path, dict(self.headers)))
                self.close_connection = True
                if stand_in.dying:
                    return
                self.send_response(200)
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(LIVE_LINE if self.path.startswith("/api/live") else str(stand_in.number).encode())
                self.wfile.flush()
                if self.path.startswith("/api/live"):
                    time.sleep(3)

            do_GET = do_POST = answer  # noqa: N815 (http.server's names)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@dataclass
class Front:
    port: int
    stand_ins: list[StandIn]

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, str | None]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read(), response.headers.get("Content-Type")
        finally:
            connection.close()

    def seen(self) -> int:
        return sum(len(stand_in.seen) for stand_in in self.stand_ins)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    stand_ins = [StandIn(0), StandIn(1)]
    with ExitStack() as running, socket.socket() as probe:
        for stand_in in stand_ins:
            running.enter_context(stand_in.serving())
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        running.enter_context(shipped_nginx(tmp_path, port, [stand_in.port for stand_in in stand_ins]))
        yield Front(port, stand_ins)


def test_commands_for_an_event_go_to_one_process(front: Front) -> None:
    served = set()
    for _ in range(30):
        event = uuid.uuid4()
        commands = (("POST", ""), ("POST", "/bookings"), ("POST", "/bookings?again=1"), ("POST", "/check-in"))
        answers = {front.ask(method, f"/api/events/{event}{path}")[1] for method, path in commands}
        assert len(answers) == 1
        served |= answers
    assert served == {b"0", b"1"}


def test_queries_of_a_client_go_to_one_process(front: Front) -> None:
    paths = [f"/api/events/{uuid.uuid4()}/bookings" for _ in range(30)]
    assert len({front.ask("GET", path)[1] for path in paths}) == 1


def test_client_supplied_forwarding_headers_are_ignored(front: Front) -> None:
    claims = {"X-Forwarded-For": "8.8.8.8", "X-Forwarded-Host": "evil.example", "Forwarded": "for=8.8.8.8"}
    front.ask("GET", "/api/events", headers=claims)
    ((_, _, headers),) = [request for stand_in in front.stand_ins for request in stand_in.seen]
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["Host"] == f"127.0.0.1:{front.port}"
    assert not {"X-Forwarded-Host", "Forwarded"} & set(headers)


def test_body_over_the_limit_is_refused_by_nginx(front: Front) -> None:
    status, body, kind = front.ask("POST", "/api/events", b"x" * (64 * 1024 + 1))
    assert (status, kind) == (413, "application/problem+json")
    assert b"/problems/body-too-large" in body
    assert front.seen() == 0
    assert front.ask("POST", "/api/events", b"x" * (64 * 1024))[0] == 200


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/api/../metrics"])
def test_metrics_are_not_public(front: Front, path: str) -> None:
    assert front.ask("GET", path)[0] == 404
    assert front.seen() == 0


@pytest.mark.parametrize(("method", "sent"), [("GET", 2), ("POST", 1)])
def test_command_is_never_sent_to_two_processes(front: Front, method: str, sent: int) -> None:
    for stand_in in front.stand_ins:
        stand_in.dying = True
    status, body, kind = front.ask(method, f"/api/events/{uuid.uuid4()}/bookings")
    assert (status, kind, front.seen()) == (503, "application/problem+json", sent)
    assert (b"/problems/busy" if method == "GET" else b"/problems/outcome-unknown") in body


def test_command_goes_to_another_process_if_one_is_unreachable(tmp_path: Path) -> None:
    alive = StandIn(0)
    with alive.serving(), socket.socket() as unreachable, socket.socket() as probe:
        unreachable.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        with shipped_nginx(tmp_path, port, [alive.port, unreachable.getsockname()[1]]):
            front = Front(port, [alive])
            assert {front.ask("POST", f"/api/events/{uuid.uuid4()}/bookings", b"{}")[0] for _ in range(20)} == {200}
    assert len(alive.seen) == 20


def test_live_events_are_not_buffered(front: Front) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=2)
    connection.request("GET", "/api/live?event_id=1")
    for stand_in in front.stand_ins:
        stand_in.seen.clear()
    assert connection.getresponse().read(len(LIVE_LINE))
    connection.close()
