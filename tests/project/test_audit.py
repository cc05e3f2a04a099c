"""`make audit`: what it says of known vulnerabilities, and of advisories that can't be reached. npm is the real one, asked to use a
registry of the test's own."""

import gzip
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from scripts import audit

ROOT = Path(__file__).parent.parent.parent
PACKAGES = json.loads((ROOT / "frontend" / "package-lock.json").read_text())["packages"]
NEEDED = json.loads((ROOT / "frontend" / "package.json").read_text())["dependencies"]


@contextmanager
def registry(status: int, advisories: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Its URL, and the packages that it was asked about."""
    asked: list[dict[str, Any]] = []

    class Advisories(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(json.loads(gzip.decompress(sent) if self.headers["Content-Encoding"] == "gzip" else sent))
            body = json.dumps(advisories).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Advisories)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def npm_audit(url: str) -> audit.Report:
    command = (*audit.NPM_AUDIT, f"--registry={url}", "--fetch-retries=0")
    return audit.audited(command, ROOT / "frontend", audit.read_npm_audit)


def test_npm_is_asked_about_the_whole_lock_file_and_names_the_advisory() -> None:
    name = next(iter(NEEDED))
    advisory = {
        "id": 1, "url": "https://advisories.test/1", "title": "A test", "severity": "high", "vulnerable_versions": "<99",
    }  # fmt: skip
    with registry(200, {name: [advisory]}) as (url, asked):
        report = npm_audit(url)
    assert report.unknown == ""
    assert report.vulnerable == [f"{name} <99: https://advisories.test/1"]
    pinned = {path.rpartition("node_modules/")[2] for path in PACKAGES if path}
    assert set(asked[0]) == pinned


def test_npm_without_advisories_reports_none() -> None:
    with registry(200, {}) as (url, _):
        assert npm_audit(url) == audit.Report([])


@pytest.mark.parametrize("status", [405, 500])
def test_registry_without_advisories_is_no_good_news(status: int, capsys: pytest.CaptureFixture[str]) -> None:
    with registry(status, {}) as (url, _):
        command = (*audit.NPM_AUDIT, f"--registry={url}", "--fetch-retries=0")
        code = audit.main(("npm", command, ROOT / "frontend", audit.read_npm_audit))
    assert code == 2
    assert capsys.readouterr().out.startswith("npm: the advisories can't be reached, so nothing is known. ")


#: What pip-audit 2.10 prints; the second is what it prints, beside "No known vulnerabilities found", where PyPI can't tell.
KNOWN = {"name": "urllib3", "version": "1.26.0", "vulns": [{"id": "PYSEC-2021-108", "fix_versions": ["1.26.5"], "description": ""}]}
SKIPPED = {"name": "alembic", "skip_reason": "Dependency not found on PyPI and could not be audited: alembic (1.20.1)"}
SOUND = {"name": "redis", "version": "7.0.0", "vulns": []}


UNKNOWN = "PyPI: the advisories can't be reached, so nothing is known."


@pytest.mark.parametrize(
    ("dependencies", "code", "says"),
    [
        ([SOUND], 0, "PyPI: no known vulnerability.\n"),
        ([SOUND, KNOWN], 1, "PyPI: urllib3 1.26.0: PYSEC-2021-108\n"),
        ([SOUND, SKIPPED], 2, f"{UNKNOWN} 1 of 2 packages have no advisories there: alembic\n"),
        ([], 2, f"{UNKNOWN} 0 of 0 packages have no advisories there: \n"),
    ],
)
def test_reports_of_pip_audit_are_read(dependencies: list[Any], code: int, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    printing = (sys.executable, "-c", f"print({json.dumps(json.dumps({'dependencies': dependencies}))})")
    assert audit.main(("PyPI", printing, ROOT, audit.read_pip_audit)) == code
    assert capsys.readouterr().out == says


def test_tool_that_is_missing_or_fails_is_no_good_news() -> None:
    for command in (("/nonexistent/pip-audit",), (sys.executable, "-c", "raise SystemExit('no network')")):
        assert audit.audited(command, ROOT, audit.read_pip_audit).unknown


def test_every_lock_file_is_audited() -> None:
    """requirements-dev.txt holds the requirements of the other two."""
    locks = {path.name for path in ROOT.glob("requirements*.txt")}
    assert locks == {*audit.LOCKS, "requirements.txt", "requirements-otel.txt"}
    assert os.access(ROOT / "frontend" / "package-lock.json", os.R_OK)
