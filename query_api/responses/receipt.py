"""A booking's receipt: a description for people and its proof, as one text that is signed with the log's key.

The whole text is signed, so that nobody can change a byte or leave out an entry: an inclusion proof shows what is in the log, but
not what is missing. The description follows from the proven entries alone; the verifier derives it again (sdk/seatledger_verify.py,
which shares no code with this).
"""

import base64
import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from ledger.money import to_text
from projections import merkle
from projections.audit import leaf_of
from projections.proof.signed_notes import Checkpoint, Signer

TITLE = "Seatledger receipt"
#: The same text in every receipt; the verifier compares it.
ABOUT = """This file proves what it says. Check it with seatledger-verify, a program of one file that needs no connection: it is
sdk/seatledger_verify.py of Seatledger, or `pip install ./sdk`. It needs the log's verifier key. Take that from the seller's
own site (/api/audit/checkpoint) once, keep it, and compare it with what others were given: never take it from a receipt."""
MARK = "--- proof ---"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class ProvenEntry(NamedTuple):
    """An entry as stored, with its leaf's index and inclusion proof."""

    version: int
    position: int
    topic: str
    state: bytes
    leaf: int
    proof: list[bytes]


def receipt(stream: UUID, entries: Sequence[ProvenEntry], checkpoint: Checkpoint, note: str, signer: Signer) -> str:
    """The signed text. `entries`: all entries of the event's stream that `describe` needs, in order. Raises merkle.ProofError where
    one of them is not in the checkpoint's tree, and signs nothing then."""
    for entry in entries:
        hashed = leaf_of(stream, entry.version, entry.position, entry.topic, entry.state)
        merkle.verify_inclusion(entry.leaf, checkpoint.size, hashed, entry.proof, checkpoint.root)
    proven = [_entry_json(stream, entry) for entry in entries]
    proof = json.dumps({"checkpoint": note, "entries": proven}, ensure_ascii=False, indent=1)
    last = f"As of      {checkpoint.size} entries of the log {checkpoint.origin}"
    return signer.sign("\n".join([TITLE, "", *describe(stream, entries), last, "", ABOUT, "", MARK, proof, ""]))


def _entry_json(stream: UUID, entry: ProvenEntry) -> dict[str, Any]:
    return {
        "stream": str(stream), "version": entry.version, "position": entry.position, "topic": entry.topic,
        "state": entry.state.decode(), "leaf": entry.leaf, "proof": [base64.b64encode(step).decode() for step in entry.proof],
    }  # fmt: skip


def describe(stream: UUID, entries: Sequence[ProvenEntry]) -> Iterator[str]:
    """The description of the booking, line by line, from its entries."""
    bodies = [(entry, json.loads(entry.state)) for entry in entries]
    booked, booking = next((entry, body) for entry, body in bodies if entry.topic.startswith("seats-booked/"))
    currency = next(body for entry, body in bodies if entry.version == 1)["currency"]
    name = next(body for entry, body in bodies if entry.version == booking["details_version"])["details"]["name"]
    names = {number: title for number, title, _, _ in booking["lines"]}
    amounts = _line_amounts(booking)
    total = sum(amounts)
    yield f"Booking    {booked.position}, {booking.get('hold_id', booking['command'])}"
    yield f"Event      {_plain(name)}, {stream}"
    yield f"Booked     {booking['at']}"
    for (_, title, quantity, price), amount in zip(booking["lines"], amounts, strict=True):
        yield f"Seats      {quantity} x {_plain(title)} at {to_text(price, currency)}, {to_text(amount, currency)} {currency}"
    yield f"Total      {to_text(total, currency)} {currency}"
    describe_later = _paid_here if booking.get("is_payable") else _paid_elsewhere
    yield from describe_later(bodies, names, total, currency)


def _paid_elsewhere(
    bodies: Sequence[tuple[ProvenEntry, dict[str, Any]]], names: dict[int, str], total: int, currency: str
) -> Iterator[str]:
    """What happened to a booking whose payment is taken elsewhere."""
    refunded, is_cancelled = 0, False
    for entry, body in bodies:
        if entry.topic == "ticket-used/1":
            yield f"Used       {body['at']}: ticket {body['ticket'] + 1}"
        elif entry.topic.startswith("booking-cancelled/"):
            back = sum(refund for _, _, refund in body["lines"])
            refunded, is_cancelled = refunded + back, body["whole"]
            yield f"Cancelled  {body['at']}: {_seats(body, names)}, {to_text(back, currency)} {currency} back"
        elif entry.topic == "event-cancelled/1" and not is_cancelled:
            yield f"Cancelled  {body['at']}: the event, {to_text(total - refunded, currency)} {currency} back"
            refunded, is_cancelled = total, True
    yield f"Refunded   {to_text(refunded, currency)} {currency}"
    yield f"Status     {'cancelled' if is_cancelled else 'confirmed'}"


def _paid_here(
    bodies: Sequence[tuple[ProvenEntry, dict[str, Any]]], names: dict[int, str], total: int, currency: str
) -> Iterator[str]:
    """Likewise, of one that is paid through Seatledger."""
    to_pay, kept, paid_back, is_cancelled = total, 0, 0, False
    for entry, body in bodies:
        amount, at = body.get("amount", 0), body["at"]
        match entry.topic.partition("/")[0]:
            case "ticket-used":
                yield f"Used       {at}: ticket {body['ticket'] + 1}"
            case "booking-cancelled":
                to_pay, is_cancelled = to_pay - body["less_to_pay"], body["whole"]
                yield f"Cancelled  {at}: {_seats(body, names)}"
            case "event-cancelled" if not is_cancelled:
                to_pay, is_cancelled = 0, True
                yield f"Cancelled  {at}: the event"
            case "payment-received":
                kept += amount
                yield f"Paid       {at}: {to_text(amount, currency)} {currency}, {_plain(body['method'])}"
            case "refund-owed":
                to_pay -= amount if body["reason"] == "goodwill" else 0
                yield f"Owed back  {at}: {to_text(amount, currency)} {currency}"
            case "refund-paid":
                kept, paid_back = kept - amount, paid_back + amount
                yield f"Paid back  {at}: {to_text(amount, currency)} {currency}, {_plain(body['method'])}"
    yield f"Due        {to_text(max(to_pay - kept, 0), currency)} {currency}"
    yield f"To refund  {to_text(max(kept - to_pay, 0), currency)} {currency}"
    yield f"Refunded   {to_text(paid_back, currency)} {currency}"
    yield f"Status     {'cancelled' if is_cancelled else 'confirmed'}"


def _seats(cancelled: dict[str, Any], names: dict[int, str]) -> str:
    return ", ".join(f"{quantity} x {_plain(names[number])}" for number, quantity, _ in cancelled["lines"])


def _line_amounts(booking: dict[str, Any]) -> list[int]:
    """What the seats of each line cost together: the amounts of the tickets where the entry has them, else by the line's price."""
    left = iter(booking.get("amounts", ()))
    if "amounts" in booking:
        return [sum(islice(left, quantity)) for _, _, quantity, _ in booking["lines"]]
    return [quantity * price for _, _, quantity, price in booking["lines"]]


def _plain(text: str) -> str:
    """A name without control characters, so that it can't begin a new line."""
    return _CONTROL.sub("\ufffd", text)
