"""What is observed of each request: an id in its response and its log lines, counts and durations for metrics, and a line in the
log if it was slow, or failed, or all are wanted (ACCESS_LOG).

The duration is the time until the response begins: a live stream, or a long list, is counted then, not when it ends.
"""

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from starlette.types import Scope

from app import tracing
from ledger.metrics import REQUEST_SECONDS, Histogram
from ledger.request_trace import RequestTrace, begin_trace

#: A request that takes longer has a line in the log, with what it waited for.
SLOW_SECONDS = 1.0
#: Lines a second about slow and failed requests. While the database is unavailable there may be thousands.
MAX_LINES = 50
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: The labels of what has no route: the page and its files, and what is not there.
_PAGE, _UNMATCHED = "page", "unmatched"
#: Only ids of this form get into the log: any other part of a path is what a client has typed.
_ID = re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9]{1,19}").fullmatch

log = logging.getLogger("app.requests")


class RouteMetrics:
    """The requests of one method and route."""

    __slots__ = ("durations", "method", "route", "statuses")

    def __init__(self, method: str, route: str) -> None:
        self.method, self.route = method, route
        self.durations = Histogram(REQUEST_SECONDS)
        self.statuses: defaultdict[int, int] = defaultdict(int)


class RequestObserver:
    """All requests of one process. Stored in `app.state.observer`."""

    def __init__(self, *, access_log: bool) -> None:
        self._access_log = access_log
        #: Set when the application starts.
        self.is_traced = False
        self._routes: dict[tuple[str, str], RouteMetrics] = {}
        #: The same by method and the identity of the route's object, which `_seen` keeps.
        self._by_route: dict[tuple[str, int], RouteMetrics] = {}
        self._seen: list[object] = []
        #: Responses with a problem, by its type.
        self.problems: Counter[str] = Counter()
        self._second, self._lines, self._skipped = 0, 0, 0

    @property
    def routes(self) -> list[RouteMetrics]:
        return list(self._routes.values())

    def route(self, method: str, route: str) -> RouteMetrics:
        metrics = self._routes.get((method, route))
        if metrics is None:
            metrics = self._routes[method, route] = RouteMetrics(method, route)
        return metrics

    def begin(self, headers: Mapping[bytes, bytes]) -> RequestTrace:
        """A request with these headers begins, in the task that handles it."""
        trace = RequestTrace(headers.get(b"x-request-id"), headers.get(b"traceparent"))
        begin_trace(trace)
        if self.is_traced:
            tracing.begin(trace)
        return trace

    def end(self, trace: RequestTrace, scope: Scope, status: int, metrics: RouteMetrics | None = None) -> tuple[bytes, bytes]:
        """The response begins now. Returns its header with the request's id. `metrics`: of the route, if the caller knows it."""
        if metrics is None:
            metrics = self._by_route.get((scope["method"], id(scope.get("route")))) or self._find_route(scope, status)
        seconds = perf_counter() - trace.began_at
        metrics.durations.observe(seconds)
        metrics.statuses[status] += 1
        if trace.problem:
            self.problems[trace.problem] += 1
        if self.is_traced:
            tracing.end(trace, status)
        if seconds > SLOW_SECONDS or status >= 500 or self._access_log:
            self._log(trace, metrics, status, seconds, scope)
        return b"x-request-id", trace.id.encode()

    def _find_route(self, scope: Scope, status: int) -> RouteMetrics:
        """By method and the route's template, of which there are only so many."""
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = scope.get("route")
        if (template := getattr(route, "path_format", None)) is None:
            return self.route(method, _PAGE if status < 400 else _UNMATCHED)
        mounted_at = scope.get("root_path", "").removeprefix(scope.get("app_root_path", ""))
        metrics = self.route(method, f"{mounted_at}{template}")
        if method != "other":
            self._by_route[method, id(route)] = metrics
            self._seen.append(route)
        return metrics

    def _log(self, trace: RequestTrace, metrics: RouteMetrics, status: int, seconds: float, scope: Scope) -> None:
        is_trouble = seconds > SLOW_SECONDS or status >= 500
        if is_trouble and not self._access_log and not self._may_log(trace):
            return
        phases = {name: round(spent, 6) for name, spent in trace.phases().items()}
        ids = {name: str(value) for name, value in scope.get("path_params", {}).items() if _ID(str(value))}
        fields: dict[str, Any] = {
            "method": metrics.method,
            "route": metrics.route,
            **ids,
            "status": status,
            "seconds": round(seconds, 6),
            **({"problem": trace.problem} if trace.problem else {}),
            **{f"{name}_seconds": spent for name, spent in phases.items()},
            **trace.facts(),
        }
        if self._skipped:
            fields["lines_skipped"], self._skipped = self._skipped, 0
        parts = " ".join(f"{name}={value}" for name, value in fields.items() if name not in ("method", "route", "status"))
        log.log(
            logging.WARNING if is_trouble else logging.INFO,
            "%s %s %s %s", metrics.method, metrics.route, status, parts, extra={"fields": fields},
        )  # fmt: skip

    def _may_log(self, trace: RequestTrace) -> bool:
        """Whether this second has not had MAX_LINES yet."""
        second = int(trace.began_at)
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines > MAX_LINES:
            self._skipped += 1
            return False
        return True
