"""Traces by OpenTelemetry, if the standard OTEL_… settings name a collector and the extra `otel` is installed: FastAPI makes a span
for each request then. Otherwise nothing of this costs anything.

A span has no address but the route: paths and parameters may be what a client has typed by mistake. It has what the request waited
for, and the number of the batch that appended its command, as the log has.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi.telemetry._api import TelemetryConfig
from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from starlette.datastructures import Headers
from starlette.types import Scope

from ledger.request_trace import RequestTrace

#: For FastAPI. Metrics are Prometheus' here; its logs would hold messages of exceptions.
CONFIG: TelemetryConfig = {"auto_configure": True, "metrics": False, "logs": False, "operation_spans": False}
_HIDDEN = ("url.path", "url.query")


class _Redaction:
    """A span processor (of the SDK, which need not be installed)."""

    def on_start(self, span: Span, parent_context: object = None) -> None:
        for name in _HIDDEN:
            span.set_attribute(name, "")

    def _on_ending(self, span: object) -> None:
        pass

    def on_end(self, span: object) -> None:
        pass

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def start() -> bool:
    """Whether requests are traced: to be called once FastAPI has configured it, which it does when it starts."""
    provider = trace.get_tracer_provider()
    if not hasattr(provider, "add_span_processor"):
        return False
    provider.add_span_processor(_Redaction())
    return True


@contextmanager
def server_span(scope: Scope, route: str) -> Iterator[None]:
    """The span of a request that does not go through FastAPI."""
    parent = propagate.extract(Headers(scope=scope))
    attributes = {"http.request.method": scope["method"], "http.route": route, "url.scheme": scope["scheme"]}
    tracer = trace.get_tracer("seatledger")
    with tracer.start_as_current_span(f"{scope['method']} {route}", parent, SpanKind.SERVER, attributes):
        yield


def begin(request: RequestTrace) -> None:
    """The request is part of the present span: its log lines name that trace."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        request.trace_id = trace.format_trace_id(context.trace_id)


def end(request: RequestTrace, status: int) -> None:
    """The response begins: the present span gets what the request waited for."""
    span = trace.get_current_span()
    span.set_attribute("http.response.status_code", status)
    span.set_attribute("seatledger.request_id", request.id)
    span.set_attributes({f"seatledger.{name}_seconds": seconds for name, seconds in request.phases().items()})
    span.set_attributes({f"seatledger.{name}": number for name, number in request.facts().items()})
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))
