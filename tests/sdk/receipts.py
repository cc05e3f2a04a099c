"""Receipts and checkpoints of a small log, made without a database."""

from uuid import UUID

from ledger import entries as e
from ledger.entries import RecordedEntry, topic_of
from ledger.mapper import encode
from projections import merkle
from projections.audit import leaf_of
from projections.proof.signed_notes import Checkpoint, Signer
from query_api.responses.receipt import ProvenEntry, receipt
from tests.projections.stories import Story

SIGNER = Signer("seatledger-test/1", bytes(range(32)))
KEY = str(SIGNER.key)
OTHER = Signer("seatledger-test/1", bytes(range(1, 33)))


class Log:
    """A log in memory; its positions have gaps."""

    def __init__(self, entries: list[RecordedEntry]) -> None:
        self.entries = entries
        self.leaves = [leaf_of(*self._place(index), *self._content(index)) for index in range(len(entries))]
        self.tiles: dict[tuple[int, int], bytes] = merkle.append({}, 0, b"".join(self.leaves))

    def _place(self, index: int) -> tuple[UUID, int, int]:
        return self.entries[index].stream, self.entries[index].version, 2 * index + 1

    def _content(self, index: int) -> tuple[str, bytes]:
        entry = self.entries[index].entry
        return topic_of(entry), encode(entry)

    def tile(self, level: int, tile: int) -> bytes:
        return self.tiles[level, tile]

    def checkpoint(self, size: int | None = None, signer: Signer = SIGNER) -> tuple[Checkpoint, str]:
        size = size or len(self.entries)
        made = Checkpoint(signer.key.name, size, merkle.root(size, self.tile))
        return made, signer.sign(made.text)

    def proven(self, index: int) -> ProvenEntry:
        (_, version, position), (topic, state) = self._place(index), self._content(index)
        return ProvenEntry(version, position, topic, state, index, merkle.inclusion_proof(index, len(self.entries), self.tile))

    def receipt(self, *indices: int, signer: Signer = SIGNER) -> str:
        checkpoint, note = self.checkpoint(signer=signer)
        return receipt(self.entries[indices[0]].stream, [self.proven(index) for index in indices], checkpoint, note, signer)


def told(seed: int = 1, steps: int = 200) -> list[RecordedEntry]:
    story = Story(seed=seed)
    story.tell(steps)
    return story.entries


def of_a_booking(entries: list[RecordedEntry]) -> list[int]:
    """The indexes of the entries in the receipt of the first booking that was cancelled in part."""
    cancelled = [entry.entry for entry in entries if isinstance(entry.entry, e.BookingCancelled)]
    wholly = {entry.booking_id for entry in cancelled if entry.whole}
    booking_id = next(entry.booking_id for entry in cancelled if entry.booking_id not in wholly)
    booked = next(entry for entry in entries if isinstance(entry.entry, e.SeatsBooked) and entry.entry.booking_id == booking_id)
    assert isinstance(booked.entry, e.SeatsBooked)
    versions = {1, booked.entry.details_version, booked.version}
    return [
        index
        for index, entry in enumerate(entries)
        if entry.stream == booked.stream and (entry.version in versions or getattr(entry.entry, "booking_id", None) == booking_id)
    ]
