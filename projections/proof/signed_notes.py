"""Signed notes and the checkpoints in them, by the specifications of C2SP (signed-note and tlog-checkpoint), with Ed25519.

A note is a text, an empty line, and signature lines. A note can be written in one way only: one that differs by a byte is refused,
with one sentence that says what is wrong and where.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

#: The signature type in a verifier key: Ed25519 over the text.
_ED25519 = b"\x01"
_KEY_ID_BYTES, _KEY_BYTES, _SIGNATURE_BYTES, ROOT_BYTES = 4, 32, 64, 32
_SIGNATURE_LINE = "\u2014 "
MAX_SIGNATURES = 16
#: The size of a checkpoint with its signatures.
MAX_CHECKPOINT_BYTES = 16 * 1024
MAX_SIZE = 2**63 - 1
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class NoteError(ValueError):
    """A note, checkpoint or key that is invalid: one sentence."""


class VerifierKey(NamedTuple):
    """The public key that verifies a signer's notes. Its text, `name+key id+base64`, is published."""

    name: str
    id: bytes
    public: bytes

    @classmethod
    def make(cls, name: str, public: bytes) -> Self:
        _check_name(name)
        return cls(name, hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_KEY_ID_BYTES], public)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises NoteError."""
        name, id_, encoded = [*text.split("+", 2), "", ""][:3]
        raw = _base64(encoded, "The verifier key")
        if len(raw) != 1 + _KEY_BYTES or raw[:1] != _ED25519:
            raise NoteError("The verifier key is not one of Ed25519: it reads name+8 hexadecimal digits+44 characters.")
        key = cls.make(name, raw[1:])
        if id_ != key.id.hex():
            raise NoteError(f"The verifier key names itself {id_}, and is {key.id.hex()}: it was mistyped or changed.")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"


class Signer:
    """Signs notes under a name. `seed`: 32 secret bytes."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.key = VerifierKey.make(name, self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, text: str) -> str:
        """The note. The text ends in a line break and has no other control character: else ValueError."""
        if not text.endswith("\n") or _CONTROL.search(text):
            raise ValueError("a note's text ends in a line break and has no other control character")
        signature = self._private.sign(text.encode())
        return f"{text}\n{_SIGNATURE_LINE}{self.key.name} {base64.b64encode(self.key.id + signature).decode()}\n"


class Signature(NamedTuple):
    name: str
    key_id: bytes
    signature: bytes


class Note(NamedTuple):
    """A parsed note. Its signatures are not verified before `verify` is called."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, note: str) -> Self:
        """Raises NoteError."""
        if control := _CONTROL.search(note):
            raise NoteError(f"Line {note.count(chr(10), 0, control.start()) + 1} has a control character.")
        text, separator, lines = note.rpartition("\n\n")
        if not separator or not text:
            raise NoteError("There is no empty line between a text and its signatures: it is cut off, or not a signed note.")
        if not lines.endswith("\n"):
            raise NoteError("The last line has no end: it is cut off.")
        signature_lines = lines[:-1].split("\n")
        if len(signature_lines) > MAX_SIGNATURES:
            raise NoteError(f"There are {len(signature_lines)} signatures, and at most {MAX_SIGNATURES} may be.")
        first = text.count("\n") + 3
        return cls(text + "\n", tuple(_signature(line, first + number) for number, line in enumerate(signature_lines)))

    def verify(self, key: VerifierKey) -> None:
        """Raises NoteError where that key did not sign this text. Signatures of other keys are ignored."""
        by_key = [signature for signature in self.signatures if (signature.name, signature.key_id) == (key.name, key.id)]
        if not by_key:
            names = ", ".join(f"{signature.name}+{signature.key_id.hex()}" for signature in self.signatures)
            raise NoteError(f"It is signed by {names}, and not by {key.name}+{key.id.hex()}.")
        for signature in by_key:
            try:
                Ed25519PublicKey.from_public_bytes(key.public).verify(signature.signature, self.text.encode())
            except InvalidSignature:
                raise NoteError(f"The signature of {key.name} does not fit the text: one of the two was changed.") from None


class Checkpoint(NamedTuple):
    """A log's state: its origin, the number of its leaves, and their root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """A checkpoint from the text of a note. Extension lines are refused: ours have none. Raises NoteError."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0]:
            raise NoteError("A checkpoint has three lines: its origin, its size and its root.")
        origin, size, root = lines[:3]
        if not re.fullmatch(r"0|[1-9][0-9]{0,18}", size, re.ASCII) or int(size) > MAX_SIZE:
            raise NoteError("Line 2 is not the size of a tree.")
        raw = _base64(root, "Line 3")
        if len(raw) != ROOT_BYTES:
            raise NoteError(f"Line 3 has {len(raw)} bytes, and a root {ROOT_BYTES}.")
        return cls(origin, int(size), raw)


def read_checkpoint(note: str, key_of: Callable[[str, bytes], VerifierKey | None]) -> Checkpoint:
    """The checkpoint in a note that is signed by one of our keys: `key_of(name, key id)` returns it. Raises NoteError."""
    if len(note) > MAX_CHECKPOINT_BYTES:
        raise NoteError(f"It has {len(note)} characters, and a checkpoint at most {MAX_CHECKPOINT_BYTES}.")
    parsed = Note.parse(note)
    checkpoint = Checkpoint.parse(parsed.text)
    signatures = (signature for signature in parsed.signatures if signature.name == checkpoint.origin)
    keys = (key_of(signature.name, signature.key_id) for signature in signatures)
    key = next((key for key in keys if key is not None), None)
    if key is None:
        raise NoteError(f"No key that is known has signed it as {checkpoint.origin}.")
    parsed.verify(key)
    return checkpoint


def _signature(line: str, number: int) -> Signature:
    match = re.fullmatch(rf"{_SIGNATURE_LINE}([^\s+]+) ([A-Za-z0-9+/=]+)", line)
    if match is None:
        raise NoteError(f"Line {number} is not a signature.")
    raw = _base64(match[2], f"Line {number}")
    if len(raw) != _KEY_ID_BYTES + _SIGNATURE_BYTES:
        raise NoteError(
            f"The signature in line {number} has {len(raw)} bytes, and one of Ed25519 {_KEY_ID_BYTES + _SIGNATURE_BYTES}."
        )
    return Signature(match[1], raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])


def _base64(text: str, where: str) -> bytes:
    """Decodes canonical base64 only: no other alphabet, no unused bits."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise NoteError(f"{where} is not base64.") from None
    if base64.b64encode(raw).decode() != text:
        raise NoteError(f"{where} is not canonical base64.")
    return raw


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[^\s+]+", name) or _CONTROL.search(name):
        raise NoteError("A key's name is not empty and has no space and no plus sign.")
