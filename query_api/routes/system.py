"""The state of everything that follows the ledger: projections, signing, verification."""

from datetime import UTC, datetime

import msgspec
from fastapi import APIRouter, Response

from accounts.access import Auditor
from query_api import queries
from query_api.database import Database
from query_api.queries import ProgressRow, SetAsideRow, VerificationRow
from query_api.read_side import Reader
from query_api.responses.http import JSON, json_response
from query_api.responses.views import (
    ProjectionList,
    ProjectionState,
    ProjectionView,
    RebuildView,
    SetAsideView,
    SigningView,
    VerificationView,
)

MAX_ERROR = 500
#: A projection is frozen if its position has not moved for this long although the ledger has grown: ten ticks.
FROZEN_SECONDS = 10.0


class _EntryTime(msgspec.Struct):
    """The part of an entry's JSON that is decoded here."""

    at: datetime


_decode_set_aside = msgspec.json.Decoder(list[SetAsideRow]).decode
_decode_time = msgspec.json.Decoder(_EntryTime).decode

router = APIRouter(prefix="/api", tags=["system"])


@router.get("/projections", operation_id="get_projections", response_model=ProjectionList, responses=JSON)
async def get_projections(principal: Auditor, reader: Reader) -> Response:
    """The state of each projection. It never waits for a `Ledger-Position`, so that it can show why other queries wait."""
    view = await read_projections(reader.side.database)
    return json_response(view, min((item.position for item in view.items), default=0))


async def read_projections(database: Database) -> ProjectionList:
    """The state of each projection, of signing and of the last verification. Raises Busy."""
    now = datetime.now(UTC)
    rows = await database.fetch_rows(queries.progress())
    signing = [
        SigningView(state=row.state, origin=row.origin, detail=row.detail) for row in await database.fetch_rows(queries.signing())
    ]
    verification = [_verification(row) for row in await database.fetch_rows(queries.verification())]
    return ProjectionList(
        items=[_view(row, now) for row in rows], next_cursor=None, ledger_position=rows[0].head if rows else 0,
        signing=next(iter(signing), None), verification=next(iter(verification), None),
    )  # fmt: skip


def _view(row: ProgressRow, now: datetime) -> ProjectionView:
    age = 0.0 if row.next_entry is None else max((now - _made_at(row.next_entry, row.updated_at)).total_seconds(), 0.0)
    state: ProjectionState = "running"
    if row.failed_position is not None:
        state = "stalled"
    elif min(age, (now - row.updated_at).total_seconds()) > FROZEN_SECONDS:
        state = "frozen"
    return ProjectionView(
        name=row.name, version=row.version, position=row.position, lag_entries=row.lag, lag_seconds=round(age, 3), state=state,
        failed_position=row.failed_position,
        error=None if row.error is None else row.error.splitlines()[0][:MAX_ERROR],  # the lines after the first are SQL
        set_aside=[] if row.set_aside is None else [_set_aside(one) for one in _decode_set_aside(row.set_aside)],
        rebuild=None if row.started_from is None else _rebuild(row, row.started_from),
    )  # fmt: skip


def _made_at(entry: bytes, default: datetime) -> datetime:
    """When an entry was made; `default` for bytes that are no entry, which stall a projection and have to show up here."""
    try:
        return _decode_time(entry).at
    except msgspec.MsgspecError:
        return default


def _set_aside(row: SetAsideRow) -> SetAsideView:
    return SetAsideView(event_id=row.event_id, position=row.position, error=row.error)


def _rebuild(row: ProgressRow, started_from: int) -> RebuildView:
    seconds, done = (row.recorded_at - row.started_at).total_seconds(), row.rebuilt_to - started_from
    left = (row.target - row.rebuilt_to) * seconds / done if done > 0 else None
    return RebuildView(
        position=row.rebuilt_to, target=row.target, started_at=row.started_at, updated_at=row.recorded_at, seconds_left=left
    )


def _verification(row: VerificationRow) -> VerificationView:
    return VerificationView(
        started_at=row.started_at, finished_at=row.finished_at, position=row.position, entries=row.entries, finding=row.finding
    )
