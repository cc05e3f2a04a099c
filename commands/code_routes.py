"""The HTTP routes that make and withdraw promo codes; `query_api/routes/codes.py` lists them. The rules: `ledger/code_rules.py`."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from accounts.access import IdempotencyKey, Organizer, command_id_of
from commands.code_bodies import NewCodes
from commands.exact_numbers import ExactNumbersRoute
from commands.write_side import view_response, write_side_of
from ledger.accepted_types import PrefersCsv
from ledger.code_rules import find_batch
from ledger.code_views import CodeBatchView, MadeCodesView
from ledger.commands import WithdrawCodes
from ledger.errors import Busy, EventNotFound, OutcomeUnknown

router = APIRouter(prefix="/api/events/{event_id}/codes", tags=["events"], route_class=ExactNumbersRoute)
_CSV: dict[int | str, dict[str, Any]] = {201: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


@router.post("", status_code=201, operation_id="make_codes", response_model=MadeCodesView, responses=_CSV)
async def make_codes(
    event_id: UUID, body: NewCodes, request: Request, principal: Organizer, as_csv: PrefersCsv, key: IdempotencyKey = None
) -> Response:
    """Makes promo codes, which are shown this once; a retry with the same `Idempotency-Key` shows them again. As CSV: one code a
    line."""
    write_side = write_side_of(request)
    write_side.check_holds_on()
    service, promo_codes = write_side.command_service, write_side.promo_codes
    event = await service.last_seen_event(event_id)
    if event is None:
        raise EventNotFound
    command = body.command(event, command_id_of(request, principal, key), principal.actor, promo_codes.newest_key)
    result = await service.execute(command, request.is_disconnected)
    view = result.view
    assert isinstance(view, CodeBatchView)
    try:
        event = await service.last_seen_event(event_id)
    except Busy as error:
        raise OutcomeUnknown from error  # the codes are made: a retry with the same key shows them
    assert event is not None
    codes = await write_side.portions.run(promo_codes.codes(event_id, find_batch(event, view.id)))
    if as_csv:  # codes are letters, digits and hyphens
        lines = "".join(f"{code}\r\n" for code in ("code", *codes))
        headers = {"Ledger-Position": str(result.position), "Cache-Control": "no-store", "Vary": "Accept"}
        headers["Content-Disposition"] = f'attachment; filename="codes-{view.id}.csv"'
        return Response(lines, 201, headers, "text/csv; charset=utf-8; header=present")
    return view_response(MadeCodesView(batch=view, codes=codes), result.position, 201)


@router.delete("/{batch_id}", status_code=204, operation_id="withdraw_codes")
async def withdraw_codes(
    event_id: UUID, batch_id: UUID, request: Request, principal: Organizer, key: IdempotencyKey = None
) -> Response:
    """Withdraws a batch of promo codes: they are not accepted any more. Tickets that were booked with them stay, and holds can
    still be confirmed in time."""
    id_ = command_id_of(request, principal, key)
    command = WithdrawCodes(id=id_, actor=principal.actor, event_id=event_id, batch_id=batch_id)
    result = await write_side_of(request).command_service.execute(command, request.is_disconnected)
    return Response(status_code=204, headers={"Ledger-Position": str(result.position), "Cache-Control": "no-store"})
