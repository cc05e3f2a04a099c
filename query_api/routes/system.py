"""How far the projections have come."""

from datetime import UTC, datetime

import msgspec
from fastapi import APIRouter, Response

from accounts.access import Auditor
from query_api import queries
from query_api.database import Database, Row
from query_api.read_side import Reads
from query_api.responses.http import JSON, answer
from query_api.responses.views import ProjectionList, ProjectionState, ProjectionView, RebuildView, SigningView, VerificationView

MAX_ERROR = 500
#: A projection that has not moved for so long, while the ledger has, is frozen: ten ticks.
FROZEN_SECONDS = 10.0


class _EntryTime(msgspec.Struct):
    """When an entry was made: of its JSON no more."""

    at: datetime


_at = msgspec.json.Decoder(_EntryTime).decode

router = APIRouter(prefix="/api", tags=["system"])


@router.get("/projections", operation_id="get_projections", response_model=ProjectionList, responses=JSON)
async def get_projections(who: Auditor, reads: Reads) -> Response:
    """Where each projection stands. It never waits, whatever `Ledger-Position` asks for: it is for finding out why others do."""
    view = await look(reads.side.database)
    return answer(view, min((item.position for item in view.items), default=0))


async def look(database: Database) -> ProjectionList:
    """How everything that follows the ledger stands. Raises Busy."""
    now = datetime.now(UTC)
    rows = await database.fetch_rows(queries.progress())
    signing = [
        SigningView(state=state, origin=origin, detail=why) for state, origin, why in await database.fetch_rows(queries.signing())
    ]
    verification = [_verification(row) for row in await database.fetch_rows(queries.verification())]
    return ProjectionList(
        items=[_view(row, now) for row in rows], next_cursor=None, ledger_position=rows[0][5] if rows else 0,
        signing=next(iter(signing), None), verification=next(iter(verification), None),
    )  # fmt: skip


def _view(row: Row, now: datetime) -> ProjectionView:
    position, name, version, failed_position, error, _, lag, next_entry, moved_at, *rebuild = row
    seconds = 0.0 if next_entry is None else max((now - _made_at(next_entry, moved_at)).total_seconds(), 0.0)
    state: ProjectionState = "running"
    if failed_position is not None:
        state = "stalled"
    elif min(seconds, (now - moved_at).total_seconds()) > FROZEN_SECONDS:
        state = "frozen"
    return ProjectionView(
        name=name, version=version, position=position, lag_entries=lag, lag_seconds=round(seconds, 3), state=state,
        failed_position=failed_position,
        error=None if error is None else error.splitlines()[0][:MAX_ERROR],  # what follows the first line is SQL
        rebuild=None if rebuild[0] is None else _rebuild(*rebuild),
    )  # fmt: skip


def _made_at(entry: bytes, otherwise: datetime) -> datetime:
    """Bytes that are no entry are what stalls a projection: that is to be seen then."""
    try:
        return _at(entry).at
    except msgspec.MsgspecError:
        return otherwise


def _rebuild(started_from: int, position: int, target: int, started_at: datetime, updated_at: datetime) -> RebuildView:
    seconds = (updated_at - started_at).total_seconds()
    left = (target - position) * seconds / (position - started_from) if position > started_from else None
    return RebuildView(position=position, target=target, started_at=started_at, updated_at=updated_at, seconds_left=left)


def _verification(row: Row) -> VerificationView:
    started_at, finished_at, position, entries, finding = row
    return VerificationView(started_at=started_at, finished_at=finished_at, position=position, entries=entries, finding=finding)
