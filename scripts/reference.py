"""`python -m scripts.reference`: generates the tables in PAGES of docs/ from the code (`make reference`).

Each table stands between a line `<!-- made by make reference: NAME -->` and the next `<!-- end -->`; the rest is written by hand.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from app import metrics as api_metrics
from app.main import bootstrap
from ledger.commands import Role
from ledger.metrics import families
from ledger.settings import Settings
from workers import metrics as worker_metrics

ROOT = Path(__file__).parent.parent
PAGES = ("api.md", "metrics.md", "settings.md")
_TABLE = re.compile(r"(<!-- made by make reference: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_EVERYBODY = {role.value for role in Role}


def main() -> int:
    for name in PAGES:
        path = ROOT / "docs" / name
        path.write_text(filled(path.read_text()))
    return 0


def filled(text: str) -> str:
    """The text of a page with its tables generated from the code."""
    return _TABLE.sub(lambda match: f"{match[1]}{_TABLES[match[2]]()}{match[3]}", text)


def _routes() -> str:
    """Of the OpenAPI document: by tag, method and path, roles, the first sentence of the description."""
    document = bootstrap(Settings(database_url="postgresql:", redis_url="redis:")).openapi()
    rows = (
        (f"`{method.upper()} {path}`", _roles(operation), _first_sentence(operation.get("description", "")))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    )
    return _table(("route", "role", "what it does"), rows)


def _roles(operation: dict[str, Any]) -> str:
    if any("manage_link" in way for way in operation.get("security", ())):
        return "anyone with the link"
    roles = [role for way in operation.get("security", ()) for role in way.get("bearer", ())]
    if not roles:
        return "anyone"
    return "any account" if set(roles) == _EVERYBODY else ", ".join(roles)


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.])\s", " ".join(text.split()), maxsplit=1)[0]


def _settings() -> str:
    rows = ((f"`{one.name.upper()}`", _default(one.default), one.metadata["help"]) for one in fields(Settings))
    return _table(("setting", "default", "what it sets"), rows)


def _default(value: object) -> str:
    match value:
        case None | "":
            return "none"
        case bool():
            return str(int(value))
        case int() if value >= 2**20:
            return f"{value // 2**20} MiB"
        case int():
            return f"{value:,}" if value != Settings.port else str(value)
        case float():
            return f"{value:g}"
    return f"`{value}`"


def _metrics(module: object) -> str:
    rows = (
        (f"`{one.full_name}`", one.kind, ", ".join(f"`{label}`" for label in one.labels) or "none", one.help)
        for one in families(module)
    )
    return _table(("metric", "kind", "labels", "what it shows"), rows)


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    return "".join(_lines(header, rows))


def _lines(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    names = tuple(header)
    yield f"| {' | '.join(names)} |\n"
    yield f"|{'---|' * len(names)}\n"
    for row in rows:
        yield f"| {' | '.join(row)} |\n"


_TABLES: dict[str, Callable[[], str]] = {
    "routes": _routes,
    "settings": _settings,
    "api_metrics": partial(_metrics, api_metrics),
    "worker_metrics": partial(_metrics, worker_metrics),
}

if __name__ == "__main__":
    sys.exit(main())
