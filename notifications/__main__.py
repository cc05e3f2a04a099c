"""`python -m notifications status` tells how far mail and webhooks are; `skip` passes over the entry at which one is stalled;
`release` sends what is held since a restore, `drop` never sends it."""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError

from ledger.database_errors import one_line
from ledger.postgres_connections import make_engine
from ledger.settings import Settings, SettingsError
from ledger.webhooks import WEBHOOKS
from notifications import follower, mail_follower

STATEMENT_SECONDS = 60.0

_POSITION = text("SELECT position, failed_position, error FROM subscriptions WHERE name = :name")
_MESSAGES = text("SELECT state, count(*) FROM outbox GROUP BY state ORDER BY state")
_DELIVERIES = text("SELECT state, count(*) FROM webhook_deliveries GROUP BY state ORDER BY state")
_WEBHOOKS = text("SELECT state, count(*) FROM webhooks WHERE state <> 'deleted' GROUP BY state ORDER BY state")
_FAILING = text("""
    SELECT w.id, w.url, w.state, w.failing_since,
        (SELECT d.error FROM webhook_deliveries AS d WHERE d.webhook_id = w.id AND d.error IS NOT NULL
         ORDER BY d.tried_at DESC LIMIT 1) AS error
    FROM webhooks AS w WHERE w.state IN ('active', 'paused-by-failures') AND w.failing_since IS NOT NULL
    ORDER BY w.failing_since LIMIT :limit""")
#: Webhooks that fail are listed up to this number.
MOST_LISTED = 20
_SETTLE_HELD = {
    "release": "UPDATE {} SET state = 'due', due_at = now() WHERE state = 'held'",
    "drop": "UPDATE {} SET state = 'skipped', settled_at = now(), error = 'Dropped by the operator.' WHERE state = 'held'",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m notifications", description=__doc__)
    parser.add_argument("command", choices=("status", "skip", "release", "drop"))
    command = parser.parse_args().command
    try:
        settings = Settings.of_running()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    if not settings.database_url:
        print("Set DATABASE_URL, or start `make run`, whose database is then used.", file=sys.stderr)
        return 1
    engine = make_engine(settings.database_url, "seatledger-notifications", statement_seconds=STATEMENT_SECONDS, pool_size=1)
    try:
        with engine.begin() as connection:
            print(_run(connection, command))
    except DBAPIError as error:
        print(f"The database is unavailable, or not migrated: {one_line(error.orig)}", file=sys.stderr)
        return 1
    finally:
        engine.dispose()
    return 0


def _run(connection: Connection, command: str) -> str:
    if command == "status":
        return "\n".join([_mail_status(connection), *_webhook_status(connection)])
    if command == "skip":
        skipped = [(noun, follower.skip(connection, name)) for name, noun in _FOLLOWERS.items()]
        return "\n".join(_describe_skip(noun, position) for noun, position in skipped)
    counts = [connection.execute(text(_SETTLE_HELD[command].format(table))).rowcount for table in ("outbox", "webhook_deliveries")]
    what = "due now" if command == "release" else "dropped"
    return f"{counts[0]} held messages and {counts[1]} held deliveries to webhooks are {what}."


_FOLLOWERS = {mail_follower.NAME: "Mail", WEBHOOKS: "Webhooks"}


def _describe_skip(noun: str, position: int | None) -> str:
    verb = "is" if noun == "Mail" else "are"
    return f"{noun} {verb} not stalled." if position is None else f"{noun}: nobody is told about the entry at position {position}."


def _mail_status(connection: Connection) -> str:
    row = connection.execute(_POSITION, {"name": mail_follower.NAME}).one_or_none()
    if row is None:
        return "Mail has not begun: no worker with MAIL_URL has run."
    return f"Mail has told about the ledger up to position {row.position}{_stall(row)}. Messages: {_counts(connection, _MESSAGES)}."


def _webhook_status(connection: Connection) -> Iterator[str]:
    row = connection.execute(_POSITION, {"name": WEBHOOKS}).one_or_none()
    if row is None:
        yield "Webhooks have not begun: no worker has run."
        return
    yield (
        f"Webhooks have told about the ledger up to position {row.position}{_stall(row)}. Webhooks:"
        f" {_counts(connection, _WEBHOOKS)}. Deliveries: {_counts(connection, _DELIVERIES)}."
    )
    for one in connection.execute(_FAILING, {"limit": MOST_LISTED}):
        since = one.failing_since.astimezone(UTC).isoformat(timespec="seconds")
        yield f"{one.state}: {one.id} at {urlsplit(one.url).hostname} has failed since {since}: {one.error}"


def _stall(row: Any) -> str:
    return f", stalled at {row.failed_position}: {row.error}" if row.failed_position is not None else ""


def _counts(connection: Connection, statement: TextClause) -> str:
    return ", ".join(f"{count} {state}" for state, count in connection.execute(statement)) or "none"


if __name__ == "__main__":
    sys.exit(main())
