"""Whether Seatledger wrote an entry: nothing is signed for one that somebody put into the database."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import UUID

from ledger.errors import EntryAltered
from ledger.macs import Macs
from projections.proof.log_keys import LogKeys
from projections.proof.verify_checkpoints import may_lack_mac

log = logging.getLogger(__name__)

#: As it is stored: version, position, topic, raw bytes and MAC.
StoredEntry = tuple[int, int, str, bytes, bytes | None]


class Authorship:
    """`directory`: where the keys are, and beside them the list of checkpoints."""

    def __init__(self, directory: Path, log_keys: LogKeys, macs: Macs) -> None:
        self._directory, self._log_keys, self._macs = directory, log_keys, macs

    def check(self, stream: UUID, entries: Iterable[StoredEntry], leaves: Mapping[int, int]) -> None:
        """`leaves`: the index of each by its position. Raises EntryAltered, and NoteError or OSError where the files beside the
        keys are of no use."""
        without = 0
        for version, position, topic, state, mac in entries:
            if mac is None:  # `verify`, which reads all that is before it, is stricter
                without = without or may_lack_mac(self._log_keys, self._directory)
                is_ours = leaves[position] < without
            else:
                is_ours = self._macs.verify(mac, stream, version, topic, state)
            if not is_ours:
                log.error("The entry at position %s is not one that Seatledger wrote: verify everything.", position)
                raise EntryAltered(position)
