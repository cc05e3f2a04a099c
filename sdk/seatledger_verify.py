"""seatledger-verify: checks receipts and checkpoints of a Seatledger, offline.

    python seatledger_verify.py --key KEY receipt-4711.txt ...
    python seatledger_verify.py --key KEY checkpoint.txt
    python seatledger_verify.py --key KEY --consistency proof.json older-checkpoint.txt newer-checkpoint.txt

KEY is the log's verifier key (seatledger-1a2b3c4d/1+01234567+A...), or the name of a file that holds it. This one file is all that
is needed, beside Python 3.9 and the package `cryptography`. It ends with status 0 where everything holds, and says what is proven;
else with 1, and one sentence on what is wrong and where.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
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

#: Of a file. The longest receipt that a Seatledger makes has some 2 MB.
MAX_BYTES = 16 * 1024 * 1024
MAX_NUMBER = 2**63 - 1
TITLE, MARK = "Seatledger receipt", "--- proof ---"
SCHEDULED, DETAILS_CHANGED = ("event-scheduled/1", "event-scheduled/2"), ("event-details-changed/1", "event-details-changed/2")
ABOUT = """This file proves what it says. Check it with seatledger-verify, a program of one file that needs no connection: it is
sdk/seatledger_verify.py of Seatledger, or `pip install ./sdk`. It needs the log's verifier key. Take that from the seller's
own site (/api/audit/checkpoint) once, keep it, and compare it with what others were given: never take it from a receipt."""
#: ISO 4217: the currencies that have not two decimals.
_OTHERS = {0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", 3: "BHD IQD JOD KWD LYD OMR TND", 4: "CLF UYW"}
DECIMALS = {currency: decimals for decimals, names in _OTHERS.items() for currency in names.split()}


class Refused(Exception):
    """One sentence: what is wrong, and where."""


class Key(NamedTuple):
    name: str
    id: bytes
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Key:
        name, id_, encoded = [*text.split("+", 2), "", ""][:3]
        raw = unbase64(encoded, "The verifier key")
        if len(raw) != 33 or raw[:1] != b"\x01" or not re.fullmatch(r"[^\s+\x00-\x1f]+", name):
            raise Refused("The verifier key is none: it reads name+8 hexadecimal digits+44 characters.")
        found = cls(name, hashlib.sha256(name.encode("utf-8", "surrogatepass") + b"\n" + raw).digest()[:4], raw[1:])
        if id_ != found.id.hex():
            raise Refused("The verifier key is mistyped, or was changed: its parts do not fit together.")
        return found


def within(what: str) -> str:
    """A thing's name within a sentence."""
    return what[0].lower() + what[1:]


def unbase64(text: str, where: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise Refused(f"{where} is not base64.") from None
    if base64.b64encode(raw).decode() != text:
        raise Refused(f"{where} is base64 that nobody writes so.")
    return raw


def signed_text(note: str, keys: Sequence[Key], what: str) -> tuple[str, Key]:
    """The text of a note with one signature, and which of the keys made it."""
    control = re.search(r"[\x00-\x09\x0b-\x1f]", note)
    if control:
        line = note.count("\n", 0, control.start()) + 1
        raise Refused(f"{what} has a control character in line {line}, such as the line ends of another system.")
    text, separator, signature = note.rpartition("\n\n")
    if not separator or not text:
        raise Refused(f"{what} has no signature at its end: it is cut off, or no file of a Seatledger.")
    match = re.fullmatch("\u2014 ([^\\s+]+) ([A-Za-z0-9+/=]+)\n", signature)
    if match is None:
        raise Refused(f"{what} does not end in one signature: it is cut off, or something was added.")
    raw = unbase64(match[2], f"The signature of {within(what)}")
    if len(raw) != 68:
        raise Refused(f"The signature of {within(what)} has {len(raw)} bytes and should have 68.")
    key = next((key for key in keys if (key.name, key.id) == (match[1], raw[:4])), None)
    if key is None:
        raise Refused(
            f"{what} is signed by {match[1]}+{raw[:4].hex()}, and not by {' or '.join(f'{k.name}+{k.id.hex()}' for k in keys)}."
        )
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(raw[4:], f"{text}\n".encode("utf-8", "surrogatepass"))
    except (InvalidSignature, ValueError):
        raise Refused(f"The signature of {within(what)} does not fit its text: one of the two was changed.") from None
    return text + "\n", key


class Checkpoint(NamedTuple):
    origin: str
    size: int
    root: bytes


def checkpoint_of(note: str, keys: Sequence[Key], what: str) -> Checkpoint:
    text, key = signed_text(note, keys, what)
    lines = text.split("\n")
    if len(lines) != 4 or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1], re.ASCII) or int(lines[1]) > MAX_NUMBER:
        raise Refused(f"{what} does not consist of an origin, a size and a root.")
    if lines[0] != key.name:
        raise Refused(f"{what} is of the log {lines[0]}, and signed by {key.name}.")
    root = unbase64(lines[2], f"The root in {within(what)}")
    if len(root) != 32:
        raise Refused(f"The root in {within(what)} has {len(root)} bytes and should have 32.")
    return Checkpoint(lines[0], int(lines[1]), root)


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def sides(place: int, last: int, count: int, what: str) -> list[bool]:
    """Of each hash of a proof, whether it stands left of what it is joined with."""
    found = []
    while last:
        is_left = bool(place & 1 or place == last)
        while is_left and not place & 1:
            place, last = place >> 1, last >> 1
        found.append(is_left)
        place, last = place >> 1, last >> 1
    if len(found) != count:
        raise Refused(f"{what} has {count} hashes and should have {len(found)}.")
    return found


def check_inclusion(index: int, leaf: bytes, proof: Sequence[bytes], tree: Checkpoint, what: str) -> None:
    if index >= tree.size:
        raise Refused(f"{what} is said to be leaf {index} of a tree of {tree.size}.")
    found = leaf
    for step, is_left in zip(proof, sides(index, tree.size - 1, len(proof), f"The proof of {within(what)}")):
        found = sha256(b"\x01", step, found) if is_left else sha256(b"\x01", found, step)
    if found != tree.root:
        raise Refused(f"{what} is not in the log that was signed: the entry, its place or its proof was changed.")


def check_consistency(old: Checkpoint, new: Checkpoint, proof: Sequence[bytes]) -> None:
    if old.origin != new.origin:
        raise Refused(f"The checkpoints are of two logs, {old.origin} and {new.origin}.")
    if old.size > new.size:
        raise Refused(f"The older checkpoint has {old.size} entries and the newer one {new.size}: they are in the wrong order.")
    if old.size in (0, new.size):
        roots = (hashlib.sha256().digest() if old.size == 0 else new.root, new.root)
        if proof:
            raise Refused(f"The proof has {len(proof)} hashes and should have none.")
    else:
        roots = roots_of(old.size, new.size, old.root, proof)
    if roots != (old.root, new.root):
        raise Refused(
            f"The log of {old.size} entries is not the beginning of that of {new.size}: history was changed, or the proof."
        )


def roots_of(first: int, second: int, first_root: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    if not proof:
        raise Refused("The proof has no hashes.")
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
        """What the log has a hash of: each part of a fixed length, or after its length."""
        topic = self.topic.encode("utf-8", "surrogatepass")
        numbers = self.version.to_bytes(8, "big") + self.position.to_bytes(8, "big")
        parts = (len(part).to_bytes(4, "big") + part for part in (topic, self.state))
        return sha256(b"\x00", self.stream.bytes, numbers, *parts)


def verify_receipt(content: str, keys: Sequence[Key]) -> list[str]:
    """What the receipt proves, line by line. Raises Refused."""
    text, _ = signed_text(content, keys, "The receipt")
    words, mark, proof = text.partition(f"\n{MARK}\n")
    if not mark or not words.startswith(f"{TITLE}\n\n"):
        raise Refused("The file is signed, and no receipt.")
    given = parse_json(proof, "The proof in the receipt")
    tree = checkpoint_of(field(given, "checkpoint", str, "The proof"), keys, "The checkpoint in the receipt")
    entries = [entry_of(one, number, tree) for number, one in enumerate(field(given, "entries", list, "The proof"), 1)]
    try:
        lines = list(describe(entries))
    except (KeyError, IndexError, TypeError, ValueError, StopIteration, RuntimeError):
        raise Refused("The receipt's entries do not make up a booking.") from None
    lines.append(f"As of      {tree.size} entries of the log {tree.origin}")
    if words != "\n".join([TITLE, "", *lines, "", ABOUT, ""]):
        raise Refused("What the receipt says is not what its entries say.")
    return lines


def parse_json(text: str, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused(f"{what} is not JSON.") from None
    if not isinstance(found, dict):
        raise Refused(f"{what} is not a JSON object.")
    return found


def field(given: dict[str, Any], name: str, kind: type, what: str) -> Any:
    value = given.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Refused(f"{what} lacks its `{name}`.")
    if isinstance(value, int) and not 0 <= value <= MAX_NUMBER:
        raise Refused(f"{what} has {value} as its `{name}`.")
    return value


def hashes_of(given: dict[str, Any], name: str, what: str) -> list[bytes]:
    found = [unbase64(one, f"A hash of {what}") if isinstance(one, str) else b"" for one in field(given, name, list, what)]
    if any(len(one) != 32 for one in found):
        raise Refused(f"{what} has a hash that is none.")
    return found


def entry_of(given: Any, number: int, tree: Checkpoint) -> Entry:
    """An entry that is proven to be in the log."""
    what = f"Entry {number} of the receipt"
    if not isinstance(given, dict):
        raise Refused(f"{what} is none.")
    try:
        stream = UUID(field(given, "stream", str, what))
    except ValueError:
        raise Refused(f"{what} is of no event.") from None
    state = field(given, "state", str, what)
    version, position, leaf = (field(given, name, int, what) for name in ("version", "position", "leaf"))
    entry = Entry(
        stream, version, position, field(given, "topic", str, what), state.encode("utf-8", "surrogatepass"), parse_json(state, what)
    )
    check_inclusion(leaf, entry.leaf, hashes_of(given, "proof", what), tree, what)
    return entry


def describe(entries: Sequence[Entry]) -> Iterator[str]:
    """The booking in words, from its proven entries alone."""
    scheduled, booked = (next(one for one in entries if one.topic in topics) for topics in (SCHEDULED, ("seats-booked/1",)))
    booking, currency, id_ = booked.body, scheduled.body["currency"], booked.body["command"]
    details = next(one for one in entries if one.version == booking["details_version"]).body["details"]
    check_that_they_belong_together(entries, scheduled, booked)
    names = {number: title for number, title, _, _ in booking["lines"]}
    total = sum(quantity * price for _, _, quantity, price in booking["lines"])
    yield f"Booking    {booked.position}, {id_}"
    yield f"Event      {plain(details['name'])}, {booked.stream}"
    yield f"Booked     {booking['at']}"
    for _, title, quantity, price in booking["lines"]:
        yield f"Seats      {quantity} x {plain(title)} at {money(price, currency)}, {money(quantity * price, currency)} {currency}"
    yield f"Total      {money(total, currency)} {currency}"
    refunded, is_cancelled = 0, False
    for one in entries:
        at = one.body["at"]
        if one.topic == "ticket-used/1":
            yield f"Used       {at}: ticket {one.body['ticket'] + 1}"
        elif one.topic == "booking-cancelled/1":
            back = sum(refund for _, _, refund in one.body["lines"])
            refunded, is_cancelled = refunded + back, one.body["whole"]
            seats = ", ".join(f"{quantity} x {plain(names[number])}" for number, quantity, _ in one.body["lines"])
            yield f"Cancelled  {at}: {seats}, {money(back, currency)} {currency} back"
        elif one.topic == "event-cancelled/1" and not is_cancelled:
            yield f"Cancelled  {at}: the event, {money(total - refunded, currency)} {currency} back"
            refunded, is_cancelled = total, True
    yield f"Refunded   {money(refunded, currency)} {currency}"
    yield f"Status     {'cancelled' if is_cancelled else 'confirmed'}"


def check_that_they_belong_together(entries: Sequence[Entry], scheduled: Entry, booked: Entry) -> None:
    details = {1, booked.body["details_version"]}
    kinds = {**dict.fromkeys(SCHEDULED + DETAILS_CHANGED, details), "seats-booked/1": {booked.version}}
    for number, one in enumerate(entries, 1):
        later = one.topic in ("booking-cancelled/1", "ticket-used/1") and one.body["booking_id"] == booked.body["command"]
        if one.stream != booked.stream or not (
            later or one.topic == "event-cancelled/1" or one.version in kinds.get(one.topic, ())
        ):
            raise Refused(f"Entry {number} of the receipt, a {one.topic[:100]}, is not of this booking.")
    if scheduled.version != 1 or [one.version for one in entries] != sorted({one.version for one in entries}):
        raise Refused("The receipt's entries are not in their order.")


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
        raise Refused(f"It can't be read: {getattr(error, 'strerror', None) or error}.") from None


def text_of(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise Refused(f"It has more than {MAX_BYTES} bytes: it is no file of a Seatledger.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Refused(f"It is no text: byte {error.start} is not UTF-8.") from None


def read_key(given: str) -> Key:
    """The key itself, or from a file."""
    try:
        return Key.parse((given if re.match(r"[^+]+\+[0-9a-f]{8}\+", given) else read(given)).strip())
    except Refused as refused:
        raise Refused(f"The key: {refused}") from None


def verify(content: str, keys: Sequence[Key]) -> list[str]:
    """What a receipt or a checkpoint proves, line by line. Raises Refused."""
    if content.startswith(f"{TITLE}\n"):
        lines = verify_receipt(content, keys)
        return [*lines, "Each of these entries is in the log that was signed, as it stands here."]
    tree = checkpoint_of(content, keys, "The checkpoint")
    return [f"{tree.origin} had {tree.size} entries, with the root hash {base64.b64encode(tree.root).decode()}."]


def verify_two(proof: str, files: Sequence[str], keys: Sequence[Key]) -> list[str]:
    """What a proof from `/api/audit/consistency` says of two checkpoints. Raises Refused."""
    if len(files) != 2:
        raise Refused("--consistency takes two checkpoints: the older one and the newer one.")
    old, new = (checkpoint_of(read(path), keys, f"The {age} checkpoint") for path, age in zip(files, ("older", "newer")))
    given = parse_json(read(proof), "The proof")
    sizes = tuple(field(given, name, int, "The proof") for name in ("from_size", "to_size"))
    if sizes != (old.size, new.size):
        raise Refused(f"The proof is of the sizes {sizes[0]} and {sizes[1]}, and the checkpoints of {old.size} and {new.size}.")
    check_consistency(old, new, hashes_of(given, "hashes", "The proof"))
    return [f"The first {old.size} entries of {new.origin} are the same in both; {new.size - old.size} were added."]


def main(arguments: Sequence[str] | None = None) -> int:
    about, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="seatledger-verify", description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--key", required=True, action="append", help="the log's verifier key or a file with it; repeatable")
    parser.add_argument("--consistency", metavar="PROOF", help="check that the second checkpoint goes on from the first")
    parser.add_argument("files", nargs="+", metavar="FILE", help="a receipt or a checkpoint")
    given = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # whatever the terminal can't show
    try:
        keys = [read_key(one) for one in given.key]
        if given.consistency:
            print("\n".join(verify_two(given.consistency, given.files, keys)))
            return 0
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return max([_verify_file(path, keys) for path in given.files])


def _verify_file(path: str, keys: Sequence[Key]) -> int:
    try:
        lines = verify(read(path), keys)
    except Refused as refused:
        print(f"{plain(path)}: not proven. {refused}", file=sys.stderr)
        return 1
    print("\n".join([f"{plain(path)}: proven.", *(f"  {line}" for line in lines)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
