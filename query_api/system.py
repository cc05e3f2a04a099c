"""How far the projections have come."""

from datetime import UTC, datetime

import msgspec
from fastapi import APIRouter, Response

from accounts.access import Auditor
from query_api import queries
from query_api.answers import JSON, answer
from query_api.database import Row
from query_api.read_side import Reads
from query_api.views import ProjectionList, ProjectionView

MAX_ERROR = 500


class _At(msgspec.Struct):
    """When an entry was made: of its JSON no more."""

    at: datetime


_at = msgspec.json.Decoder(_At).decode

router = APIRouter(prefix="/api", tags=["system"])


@router.get("/projections", operation_id="get_projections", response_model=ProjectionList, responses=JSON)
async def get_projections(who: Auditor, reads: Reads) -> Response:
    """Where each projection stands. It never waits, whatever `Ledger-Position` asks for: it is for finding out why others do."""
    now = datetime.now(UTC)
    rows = await reads.side.database.rows(queries.progress())
    items = [_view(row, now) for row in rows]
    lowest = min((item.position for item in items), default=0)
    return answer(ProjectionList(items=items, next_cursor=None, ledger_position=rows[0][5] if rows else 0), lowest)


def _view(row: Row, now: datetime) -> ProjectionView:
    position, name, version, failed_position, error, _, lag, next_entry = row
    seconds = 0.0 if next_entry is None else max((now - _at(next_entry).at).total_seconds(), 0.0)
    return ProjectionView(
        name=name, version=version, position=position, lag_entries=lag, lag_seconds=round(seconds, 3),
        state="running" if failed_position is None else "stalled", failed_position=failed_position,
        error=None if error is None else error.splitlines()[0][:MAX_ERROR],  # what follows the first line is SQL
    )  # fmt: skip
