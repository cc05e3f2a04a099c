"""How far the projections are behind the ledger."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, text

from projections.registry import PROJECTORS

_LOOK = text("""
    SELECT name, version, position, failed_position IS NOT NULL AS is_stalled,
        (SELECT coalesce(max(notification_id), 0) FROM ledger_entries) AS head
    FROM projections WHERE name = ANY(:names)""")


@dataclass(frozen=True)
class Look:
    """The ledger's head and, as of the same moment, the positions of the projections that this release can move. `stalled`: those
    of them that an entry stops."""

    head: int
    positions: dict[str, int]
    stalled: frozenset[str]

    def behind(self, head: int) -> list[str]:
        """Those that have not reached this position."""
        return [name for name, position in self.positions.items() if position < head]


def look(connection: Connection, names: Iterable[str]) -> Look:
    rows = connection.execute(_LOOK, {"names": list(names)}).all()
    current = [row for row in rows if row.version == PROJECTORS[row.name].version]
    return Look(
        max((row.head for row in rows), default=0),
        {row.name: row.position for row in current},
        frozenset(row.name for row in current if row.is_stalled),
    )
