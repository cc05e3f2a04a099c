"""`python -m query_api.time_travel.as_of`: reads ledger positions from standard input, one a line, and writes for each the
statistics as of then to standard output: the length in bytes as a line, and JSON of that length; 0 if it failed, which it logs.

It runs as a process of its own (`statistics_process.py`), so that the API process spends no time on it. The projector folds the
ledger into temporary tables, and the same queries as for the present state read them.
"""

import argparse
import logging
import sys
from contextlib import closing
from typing import Any

import msgspec
from sqlalchemy import Engine

from ledger import gc_tuning, logs
from ledger.macs import Macs
from ledger.settings import Settings
from ledger.store import Ledger, sqlalchemy_url
from projections.engine import catch_up
from projections.rebuild import projection_snapshots, shadow_tables
from projections.registry import PROJECTORS
from query_api import queries
from query_api.database import Query, result_of, rows_of
from query_api.responses.mapping import event_stats_view, summary_view
from query_api.responses.statistics_views import EventStatsView, SummaryView

log = logging.getLogger(__name__)


class StatisticsAsOf(msgspec.Struct):
    """All statistics at one position, events newest first."""

    position: int
    summary: SummaryView
    events: list[EventStatsView]


def statistics_as_of(settings: Settings, position: int) -> StatisticsAsOf:
    """Raises LedgerUnavailable, ProjectionStalled, SQLAlchemy's errors."""
    revenue, url = PROJECTORS["revenue"], sqlalchemy_url(settings.database_url)
    with (
        closing(Ledger(settings.database_url, Macs.open(settings.keys))) as ledger,
        shadow_tables.temporary(url, revenue) as engine,
    ):
        with engine.begin() as connection:
            projection_snapshots.load(connection, revenue, position)
        catch_up(engine, shadow_tables.TruncatedLedger(ledger, position), revenue)
        summary, totals = queries.summary(None), queries.all_event_totals(None, None)
        summary_rows = result_of(summary, _execute(engine, summary)).rows
        events = [event_stats_view(row) for row in rows_of(totals, _execute(engine, totals))]
    return StatisticsAsOf(position, summary_view(position, summary_rows), events)


def _execute(engine: Engine, query: Query[Any]) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query.sql, dict(query.parameters))]


def main() -> int:
    argparse.ArgumentParser(prog="python -m query_api.time_travel.as_of", description=__doc__).parse_args()
    gc_tuning.tune()
    settings, output = Settings.from_env(), sys.stdout.buffer
    logs.configure(settings, "statistics")
    for line in sys.stdin:
        answer = _answer(settings, int(line))
        output.write(b"%d\n" % len(answer) + answer)
        output.flush()
    return 0


def _answer(settings: Settings, position: int) -> bytes:
    try:
        return msgspec.json.encode(statistics_as_of(settings, position))
    except Exception:
        log.exception("The statistics as of position %s can't be computed", position)
        return b""


if __name__ == "__main__":
    sys.exit(main())
