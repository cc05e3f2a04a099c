"""Checks of error responses."""

import re

import httpx

from tests.running_system import JSON

#: Internals that no response may contain: stack traces, SQL, file paths, names of libraries.
_INSIDE = re.compile(
    r'Traceback|File "|site-packages|\.py\b|psycopg|sqlalchemy|pydantic|starlette|SELECT |INSERT |UPDATE |ledger_entries'
    r"|postgres",
    re.IGNORECASE,
)


def refused(response: httpx.Response, *statuses: int, slug: str | None = None) -> JSON:
    """Asserts that the response is a complete RFC 9457 problem without internals. `statuses`: default any 4xx."""
    said = f"{response.request.method} {str(response.request.url)[:200]}: {response.status_code} {response.text[:500]}"
    assert response.status_code in (statuses or range(400, 500)), said
    assert response.headers["content-type"] == "application/problem+json", said
    assert response.headers["x-content-type-options"] == "nosniff", said
    problem: JSON = response.json()
    assert {"type", "title", "status", "detail"} <= problem.keys(), said
    assert problem["status"] == response.status_code, said
    assert problem["type"].startswith("/problems/"), said
    assert problem["title"], said
    assert problem["detail"], said
    assert slug is None or problem["type"] == f"/problems/{slug}", said
    assert not _INSIDE.search(response.text), said
    assert all(error.keys() == {"path", "message"} and error["message"] for error in problem.get("errors", ())), said
    return problem


def paths(problem: JSON) -> set[str]:
    return {error["path"] for error in problem.get("errors", ())}
