"""Whether Seatledger wrote an entry: nothing is signed for one that somebody put into the database."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import UUID

from ledger.errors import EntryAltered
from ledger.macs import Macs
from projections.proof.log_keys import LogKeys
from projections.proof.signed_list import LIST_FILE, read_list
from projections.proof.verify_checkpoints import read_accepted

#: As it is stored: version, position, topic, raw bytes and MAC.
StoredEntry = tuple[int, int, str, bytes, bytes | None]


class Authorship:
    """`directory`: where the keys are, and beside them the list of checkpoints."""

    def __init__(self, directory: Path, log_keys: LogKeys, macs: Macs) -> None:
        self._directory, self._log_keys, self._macs = directory, log_keys, macs

    def check(self, stream: UUID, entries: Iterable[StoredEntry], leaves: Mapping[int, int]) -> None:
        """`leaves`: the index of each by its position. Raises EntryAltered, and NoteError or OSError where the files beside the
        keys are of no use."""
        for version, position, topic, state, mac in entries:
            is_ours = self._may_lack_mac(leaves[position]) if mac is None else self._macs.is_of(mac, stream, version, topic, state)
            if not is_ours:
                raise EntryAltered(position)

    def _may_lack_mac(self, leaf: int) -> bool:
        """Older than MACs, under the first checkpoint; or accepted by somebody. `verify`, which reads all, is stricter."""
        path = self._directory / LIST_FILE
        first = next(read_list(path), None) if path.exists() else None
        return leaf < max(read_accepted(self._directory), self._log_keys.read(first).size if first else 0)
