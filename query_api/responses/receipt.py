"""A booking's receipt: words for people, and the proof that they are true, as one text that the log's key signs.

It is signed whole, so that every byte of it counts and nobody can leave out an entry and pass on the rest: an inclusion proof says
what is in the log, and not what is missing. The words follow from the proven entries alone; who checks derives them again
(sdk/seatledger_verify.py, which shares no code with this).
"""

import base64
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from ledger.money import to_text
from projections import merkle
from projections.audit import leaf_of
from projections.proof.signed_notes import Checkpoint, Signer

TITLE = "Seatledger receipt"
#: The same words in every receipt: the verifier holds them too.
ABOUT = """This file proves what it says. Check it with seatledger-verify, a program of one file that needs no connection: it is
sdk/seatledger_verify.py of Seatledger, or `pip install ./sdk`. It needs the log's verifier key. Take that from the seller's
own site (/api/audit/checkpoint) once, keep it, and compare it with what others were given: never take it from a receipt."""
MARK = "--- proof ---"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class ProvenEntry(NamedTuple):
    """An entry as it is stored, and its leaf's index and inclusion proof."""

    version: int
    position: int
    topic: str
    state: bytes
    leaf: int
    proof: list[bytes]


def receipt(stream: UUID, entries: Sequence[ProvenEntry], checkpoint: Checkpoint, note: str, signer: Signer) -> str:
    """The signed text. `entries`: of the event's stream, in order, all that `describe` needs. Raises merkle.ProofError where one of
    them is not in the checkpoint's tree: nothing is signed then."""
    for one in entries:
        hashed = leaf_of(stream, one.version, one.position, one.topic, one.state)
        merkle.verify_inclusion(one.leaf, checkpoint.size, hashed, one.proof, checkpoint.root)
    proof = json.dumps({"checkpoint": note, "entries": [_entry(stream, one) for one in entries]}, ensure_ascii=False, indent=1)
    last = f"As of      {checkpoint.size} entries of the log {checkpoint.origin}"
    return signer.sign("\n".join([TITLE, "", *describe(stream, entries), last, "", ABOUT, "", MARK, proof, ""]))


def _entry(stream: UUID, one: ProvenEntry) -> dict[str, Any]:
    return {
        "stream": str(stream), "version": one.version, "position": one.position, "topic": one.topic,
        "state": one.state.decode(), "leaf": one.leaf, "proof": [base64.b64encode(step).decode() for step in one.proof],
    }  # fmt: skip


def describe(stream: UUID, entries: Sequence[ProvenEntry]) -> Iterator[str]:
    """The booking in words, line by line, as its entries say it."""
    bodies = [(one, json.loads(one.state)) for one in entries]
    booked, booking = next((one, body) for one, body in bodies if one.topic == "seats-booked/1")
    currency = next(body for one, body in bodies if one.version == 1)["currency"]
    name = next(body for one, body in bodies if one.version == booking["details_version"])["details"]["name"]
    names = {number: title for number, title, _, _ in booking["lines"]}
    total = sum(quantity * price for _, _, quantity, price in booking["lines"])
    yield f"Booking    {booked.position}, {booking['command']}"
    yield f"Event      {_plain(name)}, {stream}"
    yield f"Booked     {booking['at']}"
    for _, title, quantity, price in booking["lines"]:
        amount = to_text(quantity * price, currency)
        yield f"Seats      {quantity} x {_plain(title)} at {to_text(price, currency)}, {amount} {currency}"
    yield f"Total      {to_text(total, currency)} {currency}"
    refunded, is_cancelled = 0, False
    for one, body in bodies:
        if one.topic == "ticket-used/1":
            yield f"Used       {body['at']}: ticket {body['ticket'] + 1}"
        elif one.topic == "booking-cancelled/1":
            back = sum(refund for _, _, refund in body["lines"])
            refunded, is_cancelled = refunded + back, body["whole"]
            seats = ", ".join(f"{quantity} x {_plain(names[number])}" for number, quantity, _ in body["lines"])
            yield f"Cancelled  {body['at']}: {seats}, {to_text(back, currency)} {currency} back"
        elif one.topic == "event-cancelled/1" and not is_cancelled:
            yield f"Cancelled  {body['at']}: the event, {to_text(total - refunded, currency)} {currency} back"
            refunded, is_cancelled = total, True
    yield f"Refunded   {to_text(refunded, currency)} {currency}"
    yield f"Status     {'cancelled' if is_cancelled else 'confirmed'}"


def _plain(text: str) -> str:
    """Nothing in a name begins a line of its own."""
    return _CONTROL.sub("\ufffd", text)
