"""`python -m query_api.time_travel.as_of POSITION`: the statistics as of a ledger position, as JSON on standard output.

It runs as a process of its own, so that the API process spends no time on it. The projector folds the ledger into temporary
tables, and the same queries as for the present state read them.
"""

import argparse
import sys
from contextlib import closing
from typing import Any

import msgspec
from sqlalchemy import Engine

from ledger import gc_tuning
from ledger.settings import Settings
from ledger.store import Ledger, sqlalchemy_url
from projections.engine import catch_up
from projections.rebuild import projection_snapshots, shadow_tables
from projections.registry import PROJECTORS
from query_api import queries
from query_api.database import Query, result_of, rows_of
from query_api.responses.mapping import event_stats_view, summary_view
from query_api.responses.views import EventStatsView, SummaryView


class StatisticsAsOf(msgspec.Struct):
    """All statistics at one position, events newest first."""

    position: int
    summary: SummaryView
    events: list[EventStatsView]


def statistics_as_of(settings: Settings, position: int) -> StatisticsAsOf:
    """Raises LedgerUnavailable, ProjectionStalled, SQLAlchemy's errors."""
    revenue, url = PROJECTORS["revenue"], sqlalchemy_url(settings.database_url)
    with closing(Ledger(settings.database_url)) as ledger, shadow_tables.temporary(url, revenue) as engine:
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
    parser = argparse.ArgumentParser(prog="python -m query_api.time_travel.as_of", description=__doc__)
    parser.add_argument("position", type=int)
    gc_tuning.tune()
    sys.stdout.buffer.write(msgspec.json.encode(statistics_as_of(Settings.from_env(), parser.parse_args().position)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
