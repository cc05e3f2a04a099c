"""Keys, which are kept outside the database, in KEYS_DIR: versioned, created at the first start, readable by their owner alone.

A keyring is the files NAME.1, NAME.2, … of 32 random bytes each: the newest key signs, all of them verify. To change a key, add the
next file. Back the files up: what a lost key has signed can't be verified any more.
"""

import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import Self

#: Of sessions and derived ids, of the MACs of entries, of ticket codes, of the signed log, of tokens in mails,
#: of the secrets of webhooks.
KEYRINGS = ("accounts", "ledger", "tickets", "checkpoints", "mail", "webhooks")

_BYTES = 32
#: A key's version is seven bits of a ticket code.
_MAX_VERSION = 127


class KeysError(RuntimeError):
    """KEYS_DIR can't be used. The message is one sentence, for the terminal."""


class Keyring:
    def __init__(self, keys: dict[int, bytes]) -> None:
        assert keys, "a keyring has a key"
        self._keys = keys
        self.newest = max(keys.items())

    @property
    def newest_first(self) -> list[bytes]:
        return [key for _, key in sorted(self._keys.items(), reverse=True)]

    @property
    def all(self) -> list[tuple[int, bytes]]:
        """Each key with its version, the newest first."""
        return sorted(self._keys.items(), reverse=True)

    def get(self, version: int) -> bytes | None:
        return self._keys.get(version)

    @classmethod
    def open(cls, directory: Path, name: str) -> Self:
        """Reads the keyring; creates its first key if it has none. Two processes that do so at once get the same key. Raises
        KeysError."""
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            first = directory / f"{name}.1"
            if not any(directory.glob(f"{name}.*")):
                _create(first)
            keys = {version: path.read_bytes() for path in directory.iterdir() if (version := _version(path, name))}
        except OSError as error:
            raise KeysError(f"The keys in {directory} can't be used: {error.strerror}.") from error
        if not keys or any(len(key) != _BYTES for key in keys.values()):
            raise KeysError(f"A key {name}.* in {directory} is not {_BYTES} bytes long: restore it from your backup.")
        return cls(keys)


def _version(path: Path, name: str) -> int | None:
    match = re.fullmatch(rf"{re.escape(name)}\.(\d+)", path.name)
    return int(match[1]) if match and 0 < int(match[1]) <= _MAX_VERSION else None


def _create(path: Path) -> None:
    """Creates the file complete or not at all: a temporary file is written, synced and linked, which fails if another process was
    first."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # its mode is 0600
    temporary = Path(name)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
