"""Response models of the ledger's entries, signed checkpoints and proofs. Times are UTC."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(slots=True, kw_only=True)
class CheckpointView:
    """A signed checkpoint of the log: its first `size` entries have the root hash `root` (base64). `note` is the signed note;
    `ledger_position` that of the last of these entries. Compare `verifier_key` with a copy from another source before trusting
    it."""

    origin: str
    size: int
    root: str
    note: str
    verifier_key: str
    ledger_position: int


@dataclass(slots=True, kw_only=True)
class ProofView:
    """An inclusion proof: the entry at `position` is leaf number `leaf_index`, from 0, of the checkpoint's tree (RFC 9162, 2.1.3).
    Hashes are base64."""

    position: int
    leaf_index: int
    leaf_hash: str
    hashes: list[str]
    size: int
    checkpoint: str


@dataclass(slots=True, kw_only=True)
class ConsistencyView:
    """A consistency proof: the tree of `from_size` leaves is the beginning of that of `to_size` leaves (RFC 9162, 2.1.4). Hashes
    are base64."""

    from_size: int
    to_size: int
    from_root: str
    to_root: str
    hashes: list[str]


@dataclass(slots=True, kw_only=True)
class EntryView:
    """An entry of the ledger. `type`: its topic without the topic's version. `request_id`: the id of the command. `body`: its JSON
    as stored, except for whitespace.

    Bytes that are not an entry, which only an altered ledger has, are shown as `{"unreadable": …}` in base64; `at`, `actor_id` and
    `request_id` are null then."""

    position: int
    event_id: UUID
    version: int
    type: str
    topic: str
    at: datetime | None
    actor_id: UUID | None
    request_id: UUID | None
    body: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class EntryPage:
    """A request searches at most 200,000 positions, or versions where `event_id` is set: a page may be shorter than `limit`, even
    empty, and still have a next page."""

    items: list[EntryView]
    next_cursor: str | None
