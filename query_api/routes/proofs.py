"""What proves that the log is what it was: checkpoints, proofs against them, and receipts. Proofs are no secret."""

import asyncio
import base64
import logging
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse

from accounts.access import SignedIn, may_see_booking
from ledger.commands import Role
from ledger.entries import SeatsBooked
from ledger.errors import BookingNotFound, EntryAltered, EntryNotFound, Malformed, StaleRead
from ledger.mapper import decode
from projections import merkle
from projections.audit import leaf_of
from projections.merkle import Span
from query_api import queries
from query_api.checkpoints import PublishedCheckpoint, check_size, indices_of, newest_checkpoint, tiles_for
from query_api.parameters import MAX_POSITION
from query_api.queries import BookingRow, PlacedEntryRow, StoredEntryRow
from query_api.read_side import Reader, ReadSide, RequestReader
from query_api.responses.audit_views import CheckpointView, ConsistencyView, ProofView
from query_api.responses.http import JSON, PUBLIC_JSON_OR_TEXT, PrefersText, headers_of, json_response
from query_api.responses.receipt import ProvenEntry, receipt
from query_api.responses.representation import Representation, respond

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api", tags=["audit"])

EntryPosition = Annotated[int, Query(ge=1, le=MAX_POSITION, description="The ledger position of an entry")]
FromSize = Annotated[int, Query(alias="from", ge=0, le=MAX_POSITION, description="A number of entries")]
ToSize = Annotated[int, Query(alias="to", ge=0, le=MAX_POSITION, description="The same or a larger number of entries")]
_TEXT = "text/plain; charset=utf-8"


@router.get("/audit/checkpoint", operation_id="get_checkpoint", response_model=CheckpointView, responses=PUBLIC_JSON_OR_TEXT)
async def get_checkpoint(request: Request, reader: Reader, as_text: PrefersText) -> Response:
    """The newest checkpoint of the signed log. As text: only the signed note, in the format of C2SP's tlog-checkpoint."""
    await reader.side.wait_for_position(queries.AUDIT, reader.at_least)
    published = await newest_checkpoint(reader.side, position=reader.at_least or 0)
    if as_text:
        return respond(Representation(published.note.encode(), media_type=_TEXT.encode()), published.position, request)
    checkpoint = published.checkpoint
    view = CheckpointView(
        origin=checkpoint.origin, size=checkpoint.size, root=_base64(checkpoint.root), note=published.note,
        verifier_key=str(published.signer(reader.side).key), ledger_position=published.position,
    )  # fmt: skip
    return respond(Representation(msgspec.json.encode(view)), published.position, request)


@router.get("/audit/proof", operation_id="get_proof", response_model=ProofView, responses=JSON)
async def get_proof(position: EntryPosition, reader: Reader) -> Response:
    """An inclusion proof: an entry is in the newest checkpoint's tree."""
    side = reader.side
    await side.wait_for_position(queries.AUDIT, max(position, reader.at_least or 0))
    index = (await indices_of(side, [position])).get(position)
    if index is None:
        raise EntryNotFound
    published = await newest_checkpoint(side, position=position)
    size = published.checkpoint.size
    leaf, *hashes = await _hashes(reader, [Span(index, index + 1), *merkle.inclusion_spans(index, size)])
    merkle.verify_inclusion(index, size, leaf, hashes, published.checkpoint.root)  # a proof that does not hold is never returned
    view = ProofView(
        position=position, leaf_index=index, leaf_hash=_base64(leaf), hashes=list(map(_base64, hashes)), size=size,
        checkpoint=published.note,
    )  # fmt: skip
    return json_response(view, published.position)


@router.get("/audit/consistency", operation_id="get_consistency", response_model=ConsistencyView, responses=JSON)
async def get_consistency(from_: FromSize, to: ToSize, reader: Reader) -> Response:
    """A consistency proof: the log with `from` entries is the beginning of the log with `to` entries."""
    if from_ > to:
        raise Malformed("`from` is larger than `to`.", errors=[{"path": "from", "message": "is larger than `to`"}])
    side = reader.side
    await side.wait_for_position(queries.AUDIT, reader.at_least)
    await check_size(side, to)
    published = await newest_checkpoint(side, size=max(to, 1))
    size, spans = published.checkpoint.size, merkle.consistency_spans(from_, to) if from_ else []
    onward = merkle.consistency_spans(to, size) if to else []
    from_root, to_root, *proofs = await _hashes(reader, [Span(0, from_), Span(0, to), *spans, *onward])
    hashes = proofs[: len(spans)]
    merkle.verify_consistency(from_, to, from_root, to_root, hashes)
    merkle.verify_consistency(to, size, to_root, published.checkpoint.root, proofs[len(spans) :])  # it leads to the signed root
    view = ConsistencyView(
        from_size=from_, to_size=to, from_root=_base64(from_root), to_root=_base64(to_root), hashes=list(map(_base64, hashes))
    )
    return json_response(view, published.position)


@router.get("/bookings/{booking_id}/receipt", operation_id="get_receipt", response_class=PlainTextResponse, responses=JSON)
async def get_receipt(booking_id: UUID, principal: SignedIn, reader: Reader) -> Response:
    """A file that proves the booking as of the newest checkpoint, for the offline verifier (`seatledger-verify`)."""
    _, rows = await reader.fetch(queries.booking_by_id(booking_id))
    booking = rows[0] if rows else None
    if booking is None or not (
        may_see_booking(principal, customer_id=booking.customer_id, organizer_id=booking.organizer_id)
        or principal.role == Role.AUDITOR
    ):
        raise BookingNotFound
    return await receipt_response(reader, booking)


async def receipt_response(reader: RequestReader, booking: BookingRow) -> Response:
    """The receipt of a booking, to download, for somebody who may see it."""
    number = booking.number
    published = await newest_checkpoint(reader.side, position=max(number, reader.at_least or 0))
    async with reader.side.receipts.slot():
        text = await _receipt(reader.side, booking, published)
    name = {"Content-Disposition": f'attachment; filename="receipt-{number}.txt"'}
    return Response(text, headers=headers_of(published.position) | name, media_type=_TEXT)


async def _receipt(side: ReadSide, booking: BookingRow, published: PublishedCheckpoint) -> str:
    event_id, size = booking.event_id, published.checkpoint.size
    covered = await _covered_entries(side, booking, published.position)
    indices = await indices_of(side, [entry.position for entry in covered])
    spans = {position: merkle.inclusion_spans(index, size) for position, index in indices.items()}
    needed = {span for proof in (*spans.values(), merkle.inclusion_spans(size - 1, size)) for span in proof}
    tiles = await tiles_for(side, list(needed))
    last = await side.database.fetch_rows(queries.entry_at(published.position))

    def make() -> str:
        _check_last_leaf(published, last, tiles)
        side.authorship.check(event_id, covered, indices)
        hashes = {span: merkle.hash_of(span, tiles) for span in needed}
        proven = [
            ProvenEntry(e.version, e.position, e.topic, e.state, indices[e.position], [hashes[span] for span in spans[e.position]])
            for e in covered
        ]
        return receipt(event_id, proven, published.checkpoint, published.note, published.signer(side))

    return await asyncio.to_thread(make)


async def _covered_entries(side: ReadSide, booking: BookingRow, last: int) -> list[StoredEntryRow]:
    """The entries that a receipt describes, in order, up to position `last`: the event's first one, the one that named it, the
    booking's, and those that changed the booking. Raises EntryAltered where the read tables say otherwise than the ledger;
    StaleRead where they are behind."""
    event_id, booking_id = booking.event_id, booking.booking_id
    about = await side.booking_history.versions(event_id, booking_id, last)
    reached, changes = await side.database.fetch(queries.booking_changes(booking_id, event_id))
    if reached < last:  # the projection is folded again
        raise StaleRead
    wanted = {1, booking.version, *about, *(row.version for row in changes)}
    rows = await side.database.fetch_rows(queries.stored_entries(event_id, wanted))
    positions = {row.version: row.position for row in rows}
    entries = {row.version: row for row in rows if row.position <= last}
    listed = {booking.version, *(row.version for row in changes)} & entries.keys()
    is_same = bool(about) and about[0] == booking.version and positions.get(booking.version) == booking.number
    if not is_same or positions.keys() != wanted or listed != {*about} & entries.keys():
        log.error("The read tables do not have the entries of booking %s that the ledger has: verify everything.", booking_id)
        raise EntryAltered(booking.number)
    booked = decode(entries[booking.version].topic, entries[booking.version].state)
    assert isinstance(booked, SeatsBooked), "a booking's version is that of its SeatsBooked"
    if booked.details_version not in entries:
        rows = await side.database.fetch_rows(queries.stored_entries(event_id, [booked.details_version]))
        entries |= {row.version: row for row in rows}
    return [entries[version] for version in sorted(entries)]


def _check_last_leaf(published: PublishedCheckpoint, found: Sequence[PlacedEntryRow], tiles: merkle.Tiles) -> None:
    """Raises EntryAltered unless the entry that was found at the checkpoint's position is its last leaf. A read table says which
    position that is, and entries after it are left out of a receipt."""
    checkpoint, position = published.checkpoint, published.position
    leaves = [leaf_of(entry.stream, entry.version, position, entry.topic, entry.state) for entry in found]
    proof = [merkle.hash_of(span, tiles) for span in merkle.inclusion_spans(checkpoint.size - 1, checkpoint.size)]
    try:
        merkle.verify_inclusion(checkpoint.size - 1, checkpoint.size, leaves[0] if leaves else b"", proof, checkpoint.root)
    except merkle.ProofError as error:
        log.error("The entry at position %s is not the last of the newest checkpoint: verify everything.", position)  # noqa: TRY400 - its cause says nothing more
        raise EntryAltered(position) from error


async def _hashes(reader: Reader, spans: Sequence[Span]) -> list[bytes]:
    tiles = await tiles_for(reader.side, spans)
    return [merkle.hash_of(span, tiles) for span in spans]


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
