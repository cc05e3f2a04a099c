"""The keys that sign the log, and the name of its origin, in KEYS_DIR.

An origin names one history of the log. An operator begins a new one, with the next number, after a backup was restored that lacks
entries that were signed under the old origin.
"""

import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import Self

from ledger.keys import Keyring, KeysError
from projections.proof.signed_list import LIST_FILE, locked_list, sync_directory
from projections.proof.signed_notes import Checkpoint, Signer, VerifierKey, read_checkpoint

#: The keyring, and the file beside it.
KEYS, ORIGIN_FILE = "checkpoints", "checkpoint-origin"


class LogKeys:
    """The log's keys, for all of its origins. The newest key signs; the signatures of all keys are accepted."""

    def __init__(self, keyring: Keyring) -> None:
        newest, _ = keyring.newest
        self._seeds = [seed for version in range(newest, 0, -1) if (seed := keyring.get(version))]

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Raises KeysError."""
        return cls(Keyring.open(directory, KEYS))

    def signer(self, origin: str, key_id: bytes | None = None) -> Signer:
        """The signer of that origin with the newest key, or with the key of that id, which must be one of ours."""
        signers = (Signer(origin, seed) for seed in self._seeds)
        return next(signer for signer in signers if key_id in (None, signer.key.id))

    def key_of(self, origin: str, key_id: bytes) -> VerifierKey | None:
        """The key of that id for that origin; None where it is not ours."""
        keys = (Signer(origin, seed).key for seed in self._seeds)
        return next((key for key in keys if key.id == key_id), None)

    def read(self, note: str) -> Checkpoint:
        """The checkpoint in a note. Raises NoteError where the note is not a checkpoint that one of these keys signed."""
        return read_checkpoint(note, self.key_of)


def read_origin(directory: Path) -> str:
    """The present origin; a new one is made where there is none. Raises KeysError."""
    path = directory / ORIGIN_FILE
    try:
        if not path.exists():
            _write(path, f"seatledger-{secrets.token_hex(4)}/1\n", replace=False)
        origin = path.read_text().removesuffix("\n")
    except OSError as error:
        raise KeysError(f"{path} can't be used: {error.strerror}.") from error
    except UnicodeDecodeError:
        origin = ""
    if not re.fullmatch(r"[\x21-\x2a\x2c-\x7e]{1,200}/[1-9][0-9]{0,8}", origin):
        raise KeysError(f"{path} does not name an origin, such as seatledger-1a2b3c4d/1: restore it from your backup.")
    return origin


def begin_origin(directory: Path) -> VerifierKey:
    """Begins the next origin and returns its verifier key, which has to be published. Raises KeysError."""
    keys = LogKeys.open(directory)
    try:
        with locked_list(directory / LIST_FILE, wait=True):
            name, _, number = read_origin(directory).rpartition("/")
            origin = f"{name}/{int(number) + 1}"
            _write(directory / ORIGIN_FILE, f"{origin}\n", replace=True)
    except OSError as error:
        raise KeysError(f"{directory} can't be used: {error.strerror}.") from error
    return keys.signer(origin).key


def _write(path: Path, content: str, *, replace: bool) -> None:
    """Writes the file completely or not at all. An existing file, of another process, stays where `replace` is False."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    aside = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            aside.replace(path)
        else:
            os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink(missing_ok=True)
    sync_directory(path.parent)
