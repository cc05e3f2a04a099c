"""An appender, projections and a signer over one ledger, in one process."""

from pathlib import Path

from sqlalchemy import create_engine

from ledger.macs import Macs
from ledger.store import Ledger, sqlalchemy_url
from projections import audit
from projections.engine import catch_up
from projections.proof.checkpoints import CheckpointSigner
from projections.registry import PROJECTORS


class Shop:
    def __init__(self, url: str, keys: Path) -> None:
        self.url, self.keys = url, keys
        self.engine = create_engine(sqlalchemy_url(url))
        self.ledger = Ledger(url, Macs.open(keys))
        self.worker = CheckpointSigner(keys, self.ledger, seconds=0)

    def close(self) -> None:
        self.ledger.close()
        self.engine.dispose()

    def project_and_sign(self) -> None:
        for projector in PROJECTORS.values():
            catch_up(self.engine, self.ledger, projector)
        self.worker.sign(self.engine)

    def root_at(self, size: int) -> bytes:
        with self.engine.connect() as connection:
            return audit.root_at(connection, size)

    def size(self) -> int:
        with self.engine.connect() as connection:
            return audit.tree_size(connection)
