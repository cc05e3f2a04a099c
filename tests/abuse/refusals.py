"""What a refusal looks like, whatever was sent."""

import re

import httpx

from tests.running_system import JSON

#: What only the inside knows: traces, SQL, paths of files, names of libraries.
_INSIDE = re.compile(
    r'Traceback|File "|site-packages|\.py\b|psycopg|sqlalchemy|pydantic|starlette|SELECT |INSERT |UPDATE |ledger_entries'
    r"|postgres",
    re.IGNORECASE,
)


def refused(response: httpx.Response, *statuses: int, slug: str | None = None) -> JSON:
    """Asserts a whole RFC 9457 problem with one of these statuses (by default any 4xx) that says nothing of the inside."""
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
    assert all(one.keys() == {"path", "message"} and one["message"] for one in problem.get("errors", ())), said
    return problem


def paths(problem: JSON) -> set[str]:
    return {one["path"] for one in problem.get("errors", ())}
