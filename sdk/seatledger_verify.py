"""seatledger-verify: checks receipts and checkpoints of a Seatledger, offline.

    python seatledger_verify.py --key KEY receipt-4711.txt ...
    python seatledger_verify.py --key KEY checkpoint.txt
    python seatledger_verify.py --key KEY --consistency proof.json older-checkpoint.txt newer-checkpoint.txt

KEY is the log's verifier key (seatledger-1a2b3c4d/1+01234567+A...), or the name of a file that holds it. It needs only this
file, Python 3.9 or later and the package `cryptography`. If everything is valid it prints what is proven and exits with status 0,
otherwise it prints one sentence about what is wrong and where, and exits with 1.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import io
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    sys.exit("seatledger-verify needs the package cryptography: python -m pip install cryptography")

#: The maximum size of a file. The longest possible receipt has some 2 MB.
MAX_BYTES = 16 * 1024 * 1024
MAX_NUMBER = 2**63 - 1
TITLE, MARK = "Seatledger receipt", "--- proof ---"
SCHEDULED = tuple(f"event-scheduled/{version}" for version in range(1, 6))
DETAILS_CHANGED = tuple(f"event-details-changed/{version}" for version in range(1, 6))
BOOKED = tuple(f"seats-booked/{version}" for version in range(1, 5))
CANCELLED = tuple(f"booking-cancelled/{version}" for version in range(1, 4))
LATER = (*CANCELLED, "ticket-used/1", "payment-received/1", "refund-owed/1", "refund-paid/1")
ABOUT = """This file proves what it says. Check it with seatledger-verify, a program of one file that needs no connection: it is
sdk/seatledger_verify.py of Seatledger, or `pip install ./sdk`. It needs the log's verifier key. Take that from the seller's
own site (/api/audit/checkpoint) once, keep it, and compare it with what others were given: never take it from a receipt."""
#: ISO 4217: the currencies whose number of decimals is not two.
_OTHERS = {0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", 3: "BHD IQD JOD KWD LYD OMR TND", 4: "CLF UYW"}
DECIMALS = {currency: decimals for decimals, names in _OTHERS.items() for currency in names.split()}


class VerificationError(Exception):
    """The file is not valid. The message is one sentence: what is wrong, and where."""


class Key(NamedTuple):
    name: str
    id: bytes
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Key:
        name, id_, encoded = [*text.split("+", 2), "", ""][:3]
        raw = unbase64(encoded, "The verifier key")
        if len(raw) != 33 or raw[:1] != b"\x01" or not re.fullmatch(r"[^\s+\x00-\x1f]+", name):
            raise VerificationError(
                "The verifier key is malformed: it must be a name, 8 hexadecimal digits and 44 characters, joined by +."
            )
        key = cls(name, hashlib.sha256(name.encode("utf-8", "surrogatepass") + b"\n" + raw).digest()[:4], raw[1:])
        if id_ != key.id.hex():
            raise VerificationError("The verifier key is mistyped, or was changed: its parts do not match.")
        return key


def within(what: str) -> str:
    """The name of a thing, for the middle of a sentence."""
    return what[0].lower() + what[1:]


def unbase64(text: str, where: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise VerificationError(f"{where} is not base64.") from None
    if base64.b64encode(raw).decode() != text:
        raise VerificationError(f"{where} is not canonical base64.")
    return raw


def signed_text(note: str, keys: Sequence[Key], what: str) -> tuple[str, Key]:
    """The text of a signed note (C2SP signed-note) with one signature, and which of the keys made it."""
    control = re.search(r"[\x00-\x09\x0b-\x1f]", note)
    if control:
        line = note.count("\n", 0, control.start()) + 1
        raise VerificationError(f"{what} has a control character in line {line}, for example line ends of another system.")
    text, separator, signature = note.rpartition("\n\n")
    if not separator or not text:
        raise VerificationError(f"{what} has no signature at its end: it is truncated, or not a file of a Seatledger.")
    match = re.fullmatch("\u2014 ([^\\s+]+) ([A-Za-z0-9+/=]+)\n", signature)
    if match is None:
        raise VerificationError(f"{what} does not end in one signature: it is truncated, or something was added.")
    raw = unbase64(match[2], f"The signature of {within(what)}")
    if len(raw) != 68:
        raise VerificationError(f"The signature of {within(what)} has {len(raw)} bytes and should have 68.")
    key = next((key for key in keys if (key.name, key.id) == (match[1], raw[:4])), None)
    if key is None:
        raise VerificationError(
            f"{what} is signed by {match[1]}+{raw[:4].hex()}, and not by {' or '.join(f'{k.name}+{k.id.hex()}' for k in keys)}."
        )
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(raw[4:], f"{text}\n".encode("utf-8", "surrogatepass"))
    except (InvalidSignature, ValueError):
        raise VerificationError(f"The signature of {within(what)} does not match its text: one of the two was changed.") from None
    return text + "\n", key


class Checkpoint(NamedTuple):
    origin: str
    size: int
    root: bytes


def checkpoint_of(note: str, keys: Sequence[Key], what: str) -> Checkpoint:
    text, key = signed_text(note, keys, what)
    lines = text.split("\n")
    if len(lines) != 4 or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1], re.ASCII) or int(lines[1]) > MAX_NUMBER:
        raise VerificationError(f"{what} does not consist of an origin, a size and a root.")
    if lines[0] != key.name:
        raise VerificationError(f"{what} is of the log {lines[0]}, but signed by {key.name}.")
    root = unbase64(lines[2], f"The root in {within(what)}")
    if len(root) != 32:
        raise VerificationError(f"The root in {within(what)} has {len(root)} bytes and should have 32.")
    return Checkpoint(lines[0], int(lines[1]), root)


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def sides(index: int, last: int, count: int, what: str) -> list[bool]:
    """For each hash of an inclusion proof (RFC 9162), whether it is the left operand. `last`: the index of the last leaf."""
    is_left_of_each = []
    while last:
        is_left = bool(index & 1 or index == last)
        while is_left and not index & 1:
            index, last = index >> 1, last >> 1
        is_left_of_each.append(is_left)
        index, last = index >> 1, last >> 1
    if len(is_left_of_each) != count:
        raise VerificationError(f"{what} has {count} hashes and should have {len(is_left_of_each)}.")
    return is_left_of_each


def check_inclusion(index: int, leaf: bytes, proof: Sequence[bytes], tree: Checkpoint, what: str) -> None:
    if index >= tree.size:
        raise VerificationError(f"{what} has the index {index}, but the tree has {tree.size} leaves.")
    computed = leaf
    for step, is_left in zip(proof, sides(index, tree.size - 1, len(proof), f"The proof of {within(what)}")):
        computed = sha256(b"\x01", step, computed) if is_left else sha256(b"\x01", computed, step)
    if computed != tree.root:
        raise VerificationError(f"{what} is not in the signed log: the entry, its index or its proof was changed.")


def check_consistency(old: Checkpoint, new: Checkpoint, proof: Sequence[bytes]) -> None:
    if old.origin != new.origin:
        raise VerificationError(f"The checkpoints are of different logs, {old.origin} and {new.origin}.")
    if old.size > new.size:
        raise VerificationError(
            f"The older checkpoint has {old.size} entries and the newer one {new.size}: they are in the wrong order."
        )
    if old.size in (0, new.size):
        roots = (hashlib.sha256().digest() if old.size == 0 else new.root, new.root)
        if proof:
            raise VerificationError(f"The proof has {len(proof)} hashes and should have none.")
    else:
        roots = roots_of(old.size, new.size, old.root, proof)
    if roots != (old.root, new.root):
        raise VerificationError(
            f"The log of {old.size} entries is not the beginning of that of {new.size}: history was changed, or the proof."
        )


def roots_of(first: int, second: int, first_root: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots of the first `first` and `second` leaves, by a consistency proof (RFC 9162)."""
    if not proof:
        raise VerificationError("The proof has no hashes.")
    whole = (first & -first).bit_length() - 1
    start, *steps = proof if first & (first - 1) else (first_root, *proof)
    old = new = start
    for step, is_left in zip(steps, sides((first - 1) >> whole, (second - 1) >> whole, len(steps), "The proof")):
        new = sha256(b"\x01", step, new) if is_left else sha256(b"\x01", new, step)
        old = sha256(b"\x01", step, old) if is_left else old
    return old, new


class Entry(NamedTuple):
    stream: UUID
    version: int
    position: int
    topic: str
    state: bytes
    body: dict[str, Any]

    @property
    def leaf(self) -> bytes:
        """The leaf hash in the log: each part has a fixed length or follows its length."""
        topic = self.topic.encode("utf-8", "surrogatepass")
        numbers = self.version.to_bytes(8, "big") + self.position.to_bytes(8, "big")
        parts = (len(part).to_bytes(4, "big") + part for part in (topic, self.state))
        return sha256(b"\x00", self.stream.bytes, numbers, *parts)


def verify_receipt(content: str, keys: Sequence[Key]) -> list[str]:
    """Verifies a receipt; returns what it proves as lines. Raises VerificationError."""
    text, _ = signed_text(content, keys, "The receipt")
    words, mark, proof = text.partition(f"\n{MARK}\n")
    if not mark or not words.startswith(f"{TITLE}\n\n"):
        raise VerificationError("The file is signed, but not a receipt.")
    parsed = parse_json(proof, "The proof in the receipt")
    tree = checkpoint_of(field(parsed, "checkpoint", str, "The proof"), keys, "The checkpoint in the receipt")
    entries = [entry_of(item, number, tree) for number, item in enumerate(field(parsed, "entries", list, "The proof"), 1)]
    try:
        lines = list(describe(entries))
    except (KeyError, IndexError, TypeError, ValueError, StopIteration, RuntimeError):
        raise VerificationError("The receipt's entries do not form a booking.") from None
    lines.append(f"As of      {tree.size} entries of the log {tree.origin}")
    if words != "\n".join([TITLE, "", *lines, "", ABOUT, ""]):
        raise VerificationError("The receipt's text does not match its entries.")
    return lines


def parse_json(text: str, what: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        raise VerificationError(f"{what} is not JSON.") from None
    if not isinstance(parsed, dict):
        raise VerificationError(f"{what} is not a JSON object.")
    return parsed


def field(node: dict[str, Any], name: str, kind: type, what: str) -> Any:
    value = node.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise VerificationError(f"{what} lacks its `{name}`.")
    if isinstance(value, int) and not 0 <= value <= MAX_NUMBER:
        raise VerificationError(f"{what} has {value} as its `{name}`.")
    return value


def hashes_of(node: dict[str, Any], name: str, what: str) -> list[bytes]:
    hashes = [unbase64(item, f"A hash of {what}") if isinstance(item, str) else b"" for item in field(node, name, list, what)]
    if any(len(digest) != 32 for digest in hashes):
        raise VerificationError(f"{what} has a malformed hash.")
    return hashes


def entry_of(node: Any, number: int, tree: Checkpoint) -> Entry:
    """Parses an entry and checks its inclusion in the log."""
    what = f"Entry {number} of the receipt"
    if not isinstance(node, dict):
        raise VerificationError(f"{what} is not an entry.")
    try:
        stream = UUID(field(node, "stream", str, what))
    except ValueError:
        raise VerificationError(f"{what} has no valid event id.") from None
    state = field(node, "state", str, what)
    version, position, leaf = (field(node, name, int, what) for name in ("version", "position", "leaf"))
    entry = Entry(
        stream, version, position, field(node, "topic", str, what), state.encode("utf-8", "surrogatepass"), parse_json(state, what)
    )
    check_inclusion(leaf, entry.leaf, hashes_of(node, "proof", what), tree, what)
    return entry


def describe(entries: Sequence[Entry]) -> Iterator[str]:
    """Describes the booking from its proven entries only."""
    scheduled, booked = (next(entry for entry in entries if entry.topic in topics) for topics in (SCHEDULED, BOOKED))
    booking, currency, id_ = booked.body, scheduled.body["currency"], booking_id(booked)
    details = next(entry for entry in entries if entry.version == booking["details_version"]).body["details"]
    check_entries_of_booking(entries, scheduled, booked)
    names = {number: title for number, title, _, _ in booking["lines"]}
    amounts = line_amounts(booking)
    total = sum(amounts)
    yield f"Booking    {booked.position}, {id_}"
    yield f"Event      {plain(details['name'])}, {booked.stream}"
    yield f"Booked     {booking['at']}"
    for (_, title, quantity, price), amount in zip(booking["lines"], amounts):
        yield f"Seats      {quantity} x {plain(title)} at {money(price, currency)}, {money(amount, currency)} {currency}"
    yield f"Total      {money(total, currency)} {currency}"
    describe_later = paid_here if booking.get("is_payable") else paid_elsewhere
    yield from describe_later(entries, names, total, currency)


def paid_elsewhere(entries: Sequence[Entry], names: dict[int, str], total: int, currency: str) -> Iterator[str]:
    """What happened to a booking whose payment is taken elsewhere."""
    refunded, is_cancelled = 0, False
    for entry in entries:
        at = entry.body["at"]
        if entry.topic == "ticket-used/1":
            yield f"Used       {at}: ticket {entry.body['ticket'] + 1}"
        elif entry.topic in CANCELLED:
            back = sum(refund for _, _, refund in entry.body["lines"])
            refunded, is_cancelled = refunded + back, entry.body["whole"]
            yield f"Cancelled  {at}: {seats(entry, names)}, {money(back, currency)} {currency} back"
        elif entry.topic == "event-cancelled/1" and not is_cancelled:
            yield f"Cancelled  {at}: the event, {money(total - refunded, currency)} {currency} back"
            refunded, is_cancelled = total, True
    yield f"Refunded   {money(refunded, currency)} {currency}"
    yield f"Status     {'cancelled' if is_cancelled else 'confirmed'}"


def paid_here(entries: Sequence[Entry], names: dict[int, str], total: int, currency: str) -> Iterator[str]:
    """Likewise, of one that is paid through Seatledger. What is kept of payments and exceeds what is to be paid is owed back."""
    to_pay, kept, paid_back, is_cancelled = total, 0, 0, False
    for entry in entries:
        at = entry.body["at"]
        if entry.topic == "ticket-used/1":
            yield f"Used       {at}: ticket {entry.body['ticket'] + 1}"
        elif entry.topic in CANCELLED:
            to_pay, is_cancelled = to_pay - entry.body["less_to_pay"], entry.body["whole"]
            yield f"Cancelled  {at}: {seats(entry, names)}"
        elif entry.topic == "event-cancelled/1" and not is_cancelled:
            to_pay, is_cancelled = 0, True
            yield f"Cancelled  {at}: the event"
        elif entry.topic in LATER:
            amount = entry.body["amount"]
            if entry.topic == "refund-owed/1":
                to_pay -= amount if entry.body["reason"] == "goodwill" else 0
                yield f"Owed back  {at}: {money(amount, currency)} {currency}"
                continue
            is_refund = entry.topic == "refund-paid/1"
            kept, paid_back = kept + (-amount if is_refund else amount), paid_back + (amount if is_refund else 0)
            words = "Paid back" if is_refund else "Paid     "
            yield f"{words}  {at}: {money(amount, currency)} {currency}, {plain(entry.body['method'])}"
    yield f"Due        {money(max(to_pay - kept, 0), currency)} {currency}"
    yield f"To refund  {money(max(kept - to_pay, 0), currency)} {currency}"
    yield f"Refunded   {money(paid_back, currency)} {currency}"
    yield f"Status     {'cancelled' if is_cancelled else 'confirmed'}"


def seats(cancelled: Entry, names: dict[int, str]) -> str:
    return ", ".join(f"{quantity} x {plain(names[number])}" for number, quantity, _ in cancelled.body["lines"])


def booking_id(booked: Entry) -> str:
    """The booking's id: that of the hold which it confirms, or of its command."""
    id_: str = booked.body.get("hold_id") or booked.body["command"]
    return id_


def line_amounts(booking: dict[str, Any]) -> list[int]:
    """What the seats of each line cost together, in minor units."""
    of_tickets = booking.get("amounts")
    if not of_tickets:
        return [quantity * price for _, _, quantity, price in booking["lines"]]
    amounts, first = [], 0
    for _, _, quantity, _ in booking["lines"]:
        amounts.append(sum(of_tickets[first : first + quantity]))
        first += quantity
    if first != len(of_tickets):
        raise VerificationError("The booking does not have an amount for each ticket.")
    return amounts


def check_entries_of_booking(entries: Sequence[Entry], scheduled: Entry, booked: Entry) -> None:
    details = {1, booked.body["details_version"]}
    kinds = {**dict.fromkeys(SCHEDULED + DETAILS_CHANGED, details), **{topic: {booked.version} for topic in BOOKED}}
    for number, entry in enumerate(entries, 1):
        later = entry.topic in LATER and entry.body["booking_id"] == booking_id(booked)
        if entry.stream != booked.stream or not (
            later or entry.topic == "event-cancelled/1" or entry.version in kinds.get(entry.topic, ())
        ):
            raise VerificationError(f"Entry {number} of the receipt, a {entry.topic[:100]}, does not belong to this booking.")
    if scheduled.version != 1 or [entry.version for entry in entries] != sorted({entry.version for entry in entries}):
        raise VerificationError("The receipt's entries are not in order.")


def plain(text: str) -> str:
    return re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029]", "\ufffd", text)


def money(minor: int, currency: str) -> str:
    decimals = DECIMALS.get(currency, 2)
    digits = str(abs(minor)).zfill(decimals + 1)
    amount = f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
    return f"{'-' * (minor < 0)}{amount}"


def read(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return text_of(file.read(MAX_BYTES + 1))
    except (OSError, ValueError) as error:
        raise VerificationError(f"{path} can't be read: {getattr(error, 'strerror', None) or error}.") from None


def text_of(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise VerificationError(f"It has more than {MAX_BYTES} bytes: it is not a file of a Seatledger.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise VerificationError(f"It is not text: byte {error.start} is not UTF-8.") from None


def read_key(text_or_path: str) -> Key:
    """The key in this text, or in the file at this path."""
    try:
        return Key.parse((text_or_path if re.match(r"[^+]+\+[0-9a-f]{8}\+", text_or_path) else read(text_or_path)).strip())
    except VerificationError as error:
        raise VerificationError(f"The key: {error}") from None


def verify(content: str, keys: Sequence[Key]) -> list[str]:
    """Verifies a receipt or a checkpoint; returns what it proves as lines. Raises VerificationError."""
    if content.startswith(f"{TITLE}\n"):
        lines = verify_receipt(content, keys)
        return [*lines, "Each of these entries is in the log that was signed, as it stands here."]
    tree = checkpoint_of(content, keys, "The checkpoint")
    return [f"{tree.origin} had {tree.size} entries, with the root hash {base64.b64encode(tree.root).decode()}."]


def verify_two(proof: str, files: Sequence[str], keys: Sequence[Key]) -> list[str]:
    """Verifies a proof from `/api/audit/consistency` of two checkpoints; returns what it proves. Raises VerificationError."""
    if len(files) != 2:
        raise VerificationError("--consistency takes two checkpoints: the older one and the newer one.")
    old, new = (checkpoint_of(read(path), keys, f"The {age} checkpoint") for path, age in zip(files, ("older", "newer")))
    parsed = parse_json(read(proof), "The proof")
    sizes = tuple(field(parsed, name, int, "The proof") for name in ("from_size", "to_size"))
    if sizes != (old.size, new.size):
        raise VerificationError(
            f"The proof is of the sizes {sizes[0]} and {sizes[1]}, and the checkpoints of {old.size} and {new.size}."
        )
    check_consistency(old, new, hashes_of(parsed, "hashes", "The proof"))
    return [f"The first {old.size} entries of {new.origin} are the same in both; {new.size - old.size} were added."]


def main(arguments: Sequence[str] | None = None) -> int:
    about, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="seatledger-verify", description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--key", required=True, action="append", help="the log's verifier key or a file with it; repeatable")
    parser.add_argument("--consistency", metavar="PROOF", help="check that the second checkpoint extends the first")
    parser.add_argument("files", nargs="+", metavar="FILE", help="a receipt or a checkpoint")
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # for characters that the terminal can't show
    try:
        keys = [read_key(key) for key in options.key]
        if options.consistency:
            print("\n".join(verify_two(options.consistency, options.files, keys)))
            return 0
    except VerificationError as error:
        print(error, file=sys.stderr)
        return 1
    return max([_verify_file(path, keys) for path in options.files])


def _verify_file(path: str, keys: Sequence[Key]) -> int:
    try:
        lines = verify(read(path), keys)
    except VerificationError as error:
        print(f"{plain(path)}: not proven. {error}", file=sys.stderr)
        return 1
    print("\n".join([f"{plain(path)}: proven.", *(f"  {line}" for line in lines)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
