"""The state of everything that follows the ledger: projections, signing, verification."""

from datetime import UTC, datetime

import msgspec
from fastapi import APIRouter, Response

from accounts.access import Auditor
from ledger.outbox import MAIL
from query_api import queries
from query_api.queries import ProgressRow, SetAsideRow, SubscriptionRow, VerificationRow
from query_api.read_side import Reader, ReadSide
from query_api.responses.http import JSON, json_response
from query_api.responses.system_views import (
    ProjectionList,
    ProjectionState,
    ProjectionView,
    RebuildView,
    SetAsideView,
    SigningView,
    SubscriptionState,
    SubscriptionView,
    VerificationView,
)

MAX_ERROR = 500
#: A projection is frozen if its position has not moved for this long although the ledger has grown: ten ticks.
FROZEN_SECONDS = 10.0
#: Of a subscription: mail is not told on while a slow server takes a batch of them.
SUBSCRIPTION_FROZEN_SECONDS = 120.0


class _EntryTime(msgspec.Struct):
    """The part of an entry's JSON that is decoded here."""

    at: datetime


_decode_set_aside = msgspec.json.Decoder(list[SetAsideRow]).decode
_decode_time = msgspec.json.Decoder(_EntryTime).decode

router = APIRouter(prefix="/api", tags=["system"])


@router.get("/projections", operation_id="get_projections", response_model=ProjectionList, responses=JSON)
async def get_projections(principal: Auditor, reader: Reader) -> Response:
    """The state of each projection. It never waits for a `Ledger-Position`, so that it can show why other queries wait."""
    view = await read_projections(reader.side)
    return json_response(view, min((item.position for item in view.items), default=0))


async def read_projections(side: ReadSide) -> ProjectionList:
    """The state of each projection, of subscriptions, of signing and of the last verification. Raises Busy."""
    now, database = datetime.now(UTC), side.database
    rows = await database.fetch_rows(queries.progress())
    signing = [
        SigningView(state=row.state, origin=row.origin, detail=row.detail) for row in await database.fetch_rows(queries.signing())
    ]
    verification = [_verification(row) for row in await database.fetch_rows(queries.verification())]
    subscriptions = [_subscription(row, now, side) for row in await database.fetch_rows(queries.subscriptions())]
    return ProjectionList(
        items=[_view(row, now) for row in rows], subscriptions=subscriptions, next_cursor=None,
        ledger_position=rows[0].head if rows else 0, signing=next(iter(signing), None), verification=next(iter(verification), None),
    )  # fmt: skip


def _view(row: ProgressRow, now: datetime) -> ProjectionView:
    age = _age(row, now)
    state: ProjectionState = "running"
    if row.failed_position is not None:
        state = "stalled"
    elif _unmoved(row, age, now) > FROZEN_SECONDS:
        state = "frozen"
    return ProjectionView(
        name=row.name, version=row.version, position=row.position, lag_entries=row.lag, lag_seconds=round(age, 3), state=state,
        failed_position=row.failed_position,
        error=_first_line(row.error),
        set_aside=[] if row.set_aside is None else [_set_aside(one) for one in _decode_set_aside(row.set_aside)],
        rebuild=None if row.started_from is None else _rebuild(row, row.started_from),
    )  # fmt: skip


def _subscription(row: SubscriptionRow, now: datetime, side: ReadSide) -> SubscriptionView:
    age = _age(row, now)
    state: SubscriptionState = "running"
    if not (side.sends_mail if row.name == MAIL else row.has_listeners):
        state = "off"
    elif row.failed_position is not None:
        state = "stalled"
    elif _unmoved(row, age, now) > SUBSCRIPTION_FROZEN_SECONDS:
        state = "frozen"
    return SubscriptionView(
        name=row.name, position=row.position, lag_entries=row.lag, lag_seconds=round(age, 3), state=state,
        failed_position=row.failed_position, error=_first_line(row.error),
    )  # fmt: skip


def _first_line(error: str | None) -> str | None:
    """The lines after the first are SQL."""
    return None if error is None else error.splitlines()[0][:MAX_ERROR]


def _age(row: ProgressRow | SubscriptionRow, now: datetime) -> float:
    """Of the oldest entry past the position, in seconds."""
    return 0.0 if row.next_entry is None else max((now - _made_at(row.next_entry, row.updated_at)).total_seconds(), 0.0)


def _unmoved(row: ProgressRow | SubscriptionRow, age: float, now: datetime) -> float:
    """For how many seconds the position has not moved although there was an entry past it."""
    return min(age, (now - row.updated_at).total_seconds())


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
