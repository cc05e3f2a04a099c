"""Spans by the standard OTEL_… settings: of the fast path, and of the framework; and nothing of it without the settings."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from app import tracing
from tests.app.test_logs import TRACE, api
from tests.running_system import Person, Stack, tickets

ROOT = Path(__file__).parent.parent.parent
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class Collector:
    """What OpenTelemetry's own collector receives: spans by protobuf over HTTP."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def spans(self) -> list[Any]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [span for one in requests for of in one.resource_spans for scope in of.scope_spans for span in scope.spans]

    def span(self, request_id: str) -> tuple[Any, dict[str, Any]]:
        """The span of a request, once it comes, and its attributes."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for span in self.spans():
                attributes = {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}
                if attributes.get("seatledger.request_id") == request_id:
                    return span, attributes
            time.sleep(0.05)
        raise AssertionError(f"no span of {request_id}")


@contextmanager
def collector() -> Iterator[Collector]:
    made = Collector()
    try:
        yield made
    finally:
        made.close()


def test_requests_are_traced_on_both_ways(stack: Stack, organizer: Person, alice: Person, tmp_path: Path) -> None:
    event_id = stack.event(organizer)["id"]
    with collector() as received:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": received.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        with api(stack, tmp_path, LOG_FORMAT="json", ACCESS_LOG="1", **settings) as traced:
            person = traced.as_(alice)
            for path, request_id in ((event_id, "fast"), (event_id.upper(), "slow")):
                person.ok("POST", f"/api/events/{path}/bookings", tickets(), X_Request_Id=request_id, traceparent=PARENT)
                span, attributes = received.span(request_id)
                assert (span.name, span.trace_id.hex()) == ("POST /api/events/{event_id}/bookings", TRACE)
                assert attributes["http.route"] == "/api/events/{event_id}/bookings"
                assert attributes["http.response.status_code"] == 201
                assert attributes["seatledger.append_seconds"] > 0
                assert attributes["seatledger.batch"] >= 1
                assert traced.line(logger="app.requests", request_id=request_id)["trace_id"] == TRACE
            person.do("GET", "/api/users?q=somebody@example.test", X_Request_Id="a-query")
            span, _ = received.span("a-query")
            assert traced.line(logger="app.requests", request_id="a-query")["trace_id"] == span.trace_id.hex() != TRACE
            sent = b"".join(received.bodies)
            for secret in (b"somebody", alice.token.encode(), b"Bearer"):
                assert secret not in sent


def test_without_the_settings_nothing_is_traced() -> None:
    assert not tracing.start()


def test_without_the_extra_the_application_is_built_as_ever() -> None:
    settings = "Settings(database_url='postgresql:', redis_url='redis:')"
    program = f"""
import sys
sys.modules["opentelemetry.sdk"] = sys.modules["opentelemetry.exporter"] = None
from app.main import server_app
from ledger.settings import Settings
server_app({settings})"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
