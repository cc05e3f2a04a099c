"""A ledger that grows, its tree, and a worker that signs it."""

from pathlib import Path

from sqlalchemy import Engine, text

from ledger.store import Ledger
from projections import audit
from projections.engine import catch_up
from projections.proof.checkpoints import CheckpointSigner
from projections.proof.log_keys import LogKeys
from projections.proof.signed_notes import Checkpoint
from projections.registry import PROJECTORS
from tests.ledger import storage
from tests.projections.stories import Story

ROOT = Path(__file__).parent.parent.parent


class Log:
    """A ledger that grows, its tree, and a worker that signs it."""

    def __init__(self, engine: Engine, ledger: Ledger, keys: Path) -> None:
        self.engine, self.ledger, self.keys = engine, ledger, keys
        self.story = Story(seed=1)
        storage.append(self.ledger, self.story.entries)
        self.worker = CheckpointSigner(keys, ledger, seconds=0)

    def grow(self, steps: int = 20) -> None:
        """By at least one entry: commands may be refused."""
        while not (entries := self.story.tell(steps)):
            pass
        storage.append(self.ledger, entries)
        self.project()

    def project(self) -> None:
        catch_up(self.engine, self.ledger, PROJECTORS["audit"])

    def sign(self) -> Checkpoint | None:
        return self.worker.sign(self.engine)

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        with self.engine.begin() as connection:
            connection.execute(text("ALTER TABLE ledger_entries DISABLE TRIGGER append_only"))  # as the database's owner can
            result = connection.execute(text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []

    def state(self) -> object:
        return self.execute("SELECT state FROM audit_signing")[0][0]

    def stored(self) -> list[Checkpoint]:
        keys = LogKeys.open(self.keys)
        return [keys.read(str(note)) for (note,) in self.execute("SELECT note FROM audit_checkpoints ORDER BY origin, size")]

    def restore_backup_without(self, entries: int) -> None:
        """Puts the database into the state of a backup from before the last entries."""
        self.execute(f"DELETE FROM ledger_entries WHERE notification_id IN (SELECT notification_id FROM ledger_entries"
                 f" ORDER BY notification_id DESC LIMIT {entries})")  # fmt: skip
        self.ledger.forget()  # as after a start
        self.story.forget(entries)
        self.execute("TRUNCATE audit_tiles, audit_leaves, audit_amendments")
        self.execute("UPDATE projections SET position = 0 WHERE name = 'audit'")
        self.project()
        size = self.size()
        self.execute(f"DELETE FROM audit_checkpoints WHERE size > {size}")

    def size(self) -> int:
        with self.engine.connect() as connection:
            return audit.tree_size(connection)
