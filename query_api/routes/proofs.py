"""What proves that the log is what it was: checkpoints, proofs against them, and receipts. Proofs are no secret."""

import asyncio
import base64
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse

from accounts.access import SignedIn
from ledger.commands import Role
from ledger.entries import SeatsBooked
from ledger.errors import BookingNotFound, EntryNotFound, Malformed
from ledger.mapper import decode
from projections import merkle
from projections.merkle import Span
from query_api import queries
from query_api.checkpoints import PublishedCheckpoint, check_size, indices_of, newest_checkpoint, tiles_for
from query_api.parameters import MAX_POSITION
from query_api.read_side import Reader, Reads, ReadSide
from query_api.responses.http import JSON, JSON_OR_TEXT, PrefersText, answer, headers_of
from query_api.responses.mapping import BookingRow
from query_api.responses.receipt import ProvenEntry, receipt
from query_api.responses.views import CheckpointView, ConsistencyView, ProofView
from query_api.routes.bookings import may_see

router = APIRouter(prefix="/api", tags=["audit"])

Place = Annotated[int, Query(ge=1, le=MAX_POSITION, description="The ledger position of an entry")]
FromSize = Annotated[int, Query(alias="from", ge=0, le=MAX_POSITION, description="A number of entries")]
ToSize = Annotated[int, Query(alias="to", ge=0, le=MAX_POSITION, description="The same number or a larger one")]
_TEXT = "text/plain; charset=utf-8"


@router.get("/audit/checkpoint", operation_id="get_checkpoint", response_model=CheckpointView, responses=JSON_OR_TEXT)
async def get_checkpoint(reads: Reads, as_text: PrefersText) -> Response:
    """The newest one. As text: the signed note alone, as C2SP's tlog-checkpoint has it."""
    await reads.side.wait_for_position(queries.AUDIT, reads.at_least)
    shown = await newest_checkpoint(reads.side, position=reads.at_least or 0)
    if as_text:
        return Response(shown.note, headers=headers_of(shown.position) | {"Vary": "Accept"}, media_type=_TEXT)
    checkpoint = shown.checkpoint
    view = CheckpointView(
        origin=checkpoint.origin, size=checkpoint.size, root=_base64(checkpoint.root), note=shown.note,
        verifier_key=str(shown.signer(reads.side).key), ledger_position=shown.position,
    )  # fmt: skip
    return answer(view, shown.position)


@router.get("/audit/proof", operation_id="get_proof", response_model=ProofView, responses=JSON)
async def get_proof(position: Place, reads: Reads) -> Response:
    """That an entry is in the newest checkpoint's tree."""
    side = reads.side
    await side.wait_for_position(queries.AUDIT, max(position, reads.at_least or 0))
    index = (await indices_of(side, [position])).get(position)
    if index is None:
        raise EntryNotFound
    shown = await newest_checkpoint(side, position=position)
    size = shown.checkpoint.size
    leaf, *hashes = await _hashes(reads, [Span(index, index + 1), *merkle.inclusion_spans(index, size)])
    merkle.verify_inclusion(index, size, leaf, hashes, shown.checkpoint.root)  # nothing is answered that proves nothing
    view = ProofView(
        position=position, leaf_index=index, leaf_hash=_base64(leaf), hashes=list(map(_base64, hashes)), size=size,
        checkpoint=shown.note,
    )  # fmt: skip
    return answer(view, shown.position)


@router.get("/audit/consistency", operation_id="get_consistency", response_model=ConsistencyView, responses=JSON)
async def get_consistency(from_: FromSize, to: ToSize, reads: Reads) -> Response:
    """That the log as it was is the beginning of the log as it is, or was later."""
    if from_ > to:
        raise Malformed("`from` is larger than `to`.", errors=[{"path": "from", "message": "is larger than `to`"}])
    side = reads.side
    await side.wait_for_position(queries.AUDIT, reads.at_least)
    await check_size(side, to)
    shown = await newest_checkpoint(side, size=max(to, 1))
    size, spans = shown.checkpoint.size, merkle.consistency_spans(from_, to) if from_ else []
    onward = merkle.consistency_spans(to, size) if to else []
    from_root, to_root, *found = await _hashes(reads, [Span(0, from_), Span(0, to), *spans, *onward])
    hashes = found[: len(spans)]
    merkle.verify_consistency(from_, to, from_root, to_root, hashes)
    merkle.verify_consistency(to, size, to_root, shown.checkpoint.root, found[len(spans) :])  # it leads to what was signed
    view = ConsistencyView(
        from_size=from_, to_size=to, from_root=_base64(from_root), to_root=_base64(to_root), hashes=list(map(_base64, hashes))
    )
    return answer(view, shown.position)


@router.get("/bookings/{booking_id}/receipt", operation_id="get_receipt", response_class=PlainTextResponse, responses=JSON)
async def get_receipt(booking_id: UUID, who: SignedIn, reads: Reads) -> Response:
    """A file that the offline verifier accepts (`seatledger-verify`): the booking as of the newest checkpoint."""
    _, rows = await reads.fetch(queries.booking_by_id(booking_id))
    booking = BookingRow(rows[0], reads.side.codes) if rows else None
    if booking is None or not (may_see(who, booking) or who.role == Role.AUDITOR):
        raise BookingNotFound
    number = booking.fields["number"]
    shown = await newest_checkpoint(reads.side, position=max(number, reads.at_least or 0))
    async with reads.side.receipts.slot():
        text = await _receipt(reads.side, booking, shown)
    name = {"Content-Disposition": f'attachment; filename="receipt-{number}.txt"'}
    return Response(text, headers=headers_of(shown.position) | name, media_type=_TEXT)


async def _receipt(side: ReadSide, booking: BookingRow, shown: PublishedCheckpoint) -> str:
    event_id = booking.fields["event_id"]
    _, rows = await side.database.fetch(queries.amendments(booking.fields["id"], event_id))
    versions = {1, booking.version, *(version for (version,) in rows)}
    entries = {row[0]: row for row in await side.database.fetch_rows(queries.stored_entries(event_id, versions))}
    booked = decode(*entries[booking.version][2:4])
    assert isinstance(booked, SeatsBooked), "a booking is made by one"
    if booked.details_version not in entries:
        entries |= {
            row[0]: row for row in await side.database.fetch_rows(queries.stored_entries(event_id, [booked.details_version]))
        }
    covered = [entries[version] for version in sorted(entries) if entries[version][1] <= shown.position]
    indices = await indices_of(side, [position for _, position, *_ in covered])
    size = shown.checkpoint.size
    spans = {position: merkle.inclusion_spans(index, size) for position, index in indices.items()}
    needed = {span for some in spans.values() for span in some}
    tiles = await tiles_for(side, list(needed))

    def make() -> str:
        side.authorship.check(event_id, covered, indices)
        hashes = {span: merkle.hash_of(span, tiles) for span in needed}
        proven = [
            ProvenEntry(version, position, topic, state, indices[position], [hashes[span] for span in spans[position]])
            for version, position, topic, state, _ in covered
        ]
        return receipt(event_id, proven, shown.checkpoint, shown.note, shown.signer(side))

    return await asyncio.to_thread(make)


async def _hashes(reads: Reader, spans: Sequence[Span]) -> list[bytes]:
    tiles = await tiles_for(reads.side, spans)
    return [merkle.hash_of(span, tiles) for span in spans]


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
