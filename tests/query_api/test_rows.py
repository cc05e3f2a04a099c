"""The columns of each query are the fields of its row type, in the same order."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import pq
from sqlalchemy import literal, select

from query_api import queries as q
from query_api.database import Query, Row
from query_api.queries.compose import compile_anchored, compile_rows, json_rows, select_list
from tests.query_api.test_plans import every_query

ID, MOMENT = UUID(int=1), datetime(2031, 5, 1, tzinfo=UTC)


class PairRow(Row, frozen=True):
    first: int
    second: int


def all_queries() -> dict[str, Query[Any]]:
    search = q.EntrySearch(event_id=ID)
    return every_query(ID, ID) | {
        "codes": q.event_codes(ID),
        "projections' position": q.projections_position(q.EVENTS),
        "verification": q.verification(),
        "entries": q.entries(search, 0, 10, 5),
        "last key": q.last_key(search),
        "last key, all": q.last_key(q.EntrySearch()),
        "first entry": q.first_entry(),
        "newest entry": q.newest_entry(5),
        "first later tile": q.first_later_tile(MOMENT),
        "first later": q.first_later(MOMENT, 0, 5),
        "newest checkpoint": q.newest_checkpoint(),
        "leaves": q.leaves_of([1, 2]),
        "leaf count": q.leaf_count(),
        "tiles": q.tiles([(0, 0)]),
        "booking changes": q.booking_changes(ID, ID),
        "stored entries": q.stored_entries(ID, [1]),
        "entry at a position": q.entry_at(1),
        "signing": q.signing(),
    }


def test_columns_of_every_query_are_the_fields_of_its_row_type(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        for name, query in all_queries().items():
            cursor = connection.execute(query.sql, query.parameters)
            assert cursor.pgresult is not None
            assert cursor.pgresult.status == pq.ExecStatus.TUPLES_OK
            columns = [column.name for column in cursor.description or ()]
            anchor = ["position"] if len(columns) > len(query.row_type.__struct_fields__) else []
            assert columns == [*anchor, *query.row_type.__struct_fields__], name


def test_every_query_function_is_tested() -> None:
    made = {query.row_type for query in all_queries().values()}
    exported = {row_type for name in q.__all__ if isinstance(row_type := getattr(q, name), type) and issubclass(row_type, Row)}
    in_json = {
        q.HoldLineRow,
        q.CodeBatchRow,
        q.AvailableRow,
        q.CategoryRow,
        q.CategorySeatsRow,
        q.TicketRow,
        q.BookingRow,
        q.EventRow,
        q.PoolRow,
        q.SetAsideRow,
    }
    assert exported - made <= in_json


@pytest.mark.parametrize("names", [("second", "first"), ("first",), ("first", "other")])
def test_labels_that_are_not_the_fields_are_refused(names: tuple[str, ...]) -> None:
    columns = [literal(1).label(name) for name in names]
    with pytest.raises(TypeError, match="are not the fields"):
        compile_rows(select(*columns), PairRow)
    with pytest.raises(TypeError, match="are not the fields"):
        compile_anchored(select(literal(1).label("position"), *columns), PairRow)
    with pytest.raises(TypeError, match="are not the fields"):
        json_rows(PairRow, literal(1), *columns)


def test_select_list_needs_an_expression_for_each_field() -> None:
    assert select_list(PairRow, "1", "a + b") == "1 AS first, a + b AS second"
    with pytest.raises(ValueError, match="longer"):
        select_list(PairRow, "1")
