"""Memory of Seatledger's processes, bytes of its tables, and the number of full garbage collections."""

from benchmarks.deployment import Deployment
from benchmarks.metrics import metric
from benchmarks.results import Row, goal

API_MEGABYTES = 250
_FULL_COLLECTIONS = 'python_gc_collections_total{generation="2"}'
_BYTES = """
    SELECT (SELECT count(*) FROM ledger_entries), pg_total_relation_size('ledger_entries'),
           (SELECT count(*) FROM bookings), (SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables
            WHERE relname NOT LIKE 'ledger%' AND schemaname = 'public'
            AND relname NOT IN ('accounts', 'tokens', 'account_commands', 'alembic_version'))"""


def rows(deployment: Deployment) -> list[Row]:
    """Rows for memory and tables, measured after the load."""
    memory = {name: process.rss_bytes() / 1e6 for name, process in deployment.processes.items()}
    with deployment.connect() as connection:
        entries, entry_bytes, bookings, read_bytes = connection.execute(_BYTES).fetchone() or (0, 0, 0, 0)
    measured = [
        Row(
            benchmark="size", what=f"memory of {name} after the hot event ({entries:,} entries)", value=megabytes, unit="MB",
            goal=goal(f"under {API_MEGABYTES} MB", megabytes < API_MEGABYTES) if name == "api" else "",
        )
        for name, megabytes in memory.items()
    ]  # fmt: skip
    per_entry, per_booking = entry_bytes / max(entries, 1), float(read_bytes) / max(bookings, 1)
    measured.append(Row(benchmark="size", what="ledger, indexes included", value=per_entry, unit="bytes/entry"))
    measured.append(Row(benchmark="size", what="read tables, indexes included", value=per_booking, unit="bytes/booking"))
    return measured


def full_collections(deployment: Deployment) -> int:
    return int(metric(deployment.settings.port, _FULL_COLLECTIONS))
