"""Whether the projections move: a check for container engines and monitoring systems."""

import time
from collections.abc import Sequence

from sqlalchemy.exc import InterfaceError, OperationalError

from ledger.postgres_connections import make_engine
from ledger.settings import Settings
from workers.lag import look

#: How long a projection may stay where it is while the ledger is ahead of it.
SECONDS = 5.0
_POLL_SECONDS = 0.2
STATEMENT_SECONDS = 2.0


def find_trouble(settings: Settings, names: Sequence[str]) -> str | None:
    """A sentence about projections that do not move, or None. Those that an entry stops are not counted: no worker can help it,
    and `/metrics` shows them."""
    engine = make_engine(settings.database_url, "seatledger-check", statement_seconds=STATEMENT_SECONDS, pool_size=1)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            first = look(connection, names)
            behind = sorted(set(first.behind(first.head)) - first.stalled)
            deadline = time.monotonic() + SECONDS
            while behind and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
                now = look(connection, behind)
                behind = [name for name in behind if now.positions.get(name) == first.positions[name]]
    except (OperationalError, InterfaceError) as error:
        return f"The database is unavailable: {error.orig}"
    finally:
        engine.dispose()
    if not behind:
        return None
    positions = ", ".join(f"{name} at {first.positions[name]}" for name in behind)
    return f"For {SECONDS:g} s these projections have not moved, while the ledger is at {first.head}: {positions}."
