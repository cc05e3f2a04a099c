"""Whether Seatledger wrote an entry. No receipt is signed for one that somebody else put into the database."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import UUID

from ledger.errors import EntryAltered
from ledger.macs import Macs
from projections.proof.log_keys import LogKeys
from projections.proof.verify_checkpoints import may_lack_mac
from query_api.queries import StoredEntryRow

log = logging.getLogger(__name__)


class AuthorshipCheck:
    """Checks that Seatledger wrote an entry. `directory`: that of the keys and the list of checkpoints."""

    def __init__(self, directory: Path, log_keys: LogKeys, macs: Macs) -> None:
        self._directory, self._log_keys, self._macs = directory, log_keys, macs

    def check(self, stream: UUID, entries: Iterable[StoredEntryRow], leaves: Mapping[int, int]) -> None:
        """Raises EntryAltered for an entry that Seatledger did not write; NoteError or OSError where the files beside the keys
        can't be read. `leaves`: the leaf index of each entry by its position."""
        without_mac = 0  # leaves below this index may lack a MAC
        for entry in entries:
            if entry.mac is None:  # `verify` is stricter: it reads all entries before this one
                without_mac = without_mac or may_lack_mac(self._log_keys, self._directory)
                is_ours = leaves[entry.position] < without_mac
            else:
                is_ours = self._macs.verify(entry.mac, stream, entry.version, entry.topic, entry.state)
            if not is_ours:
                log.error("The entry at position %s was not written by Seatledger: verify everything.", entry.position)
                raise EntryAltered(entry.position)
