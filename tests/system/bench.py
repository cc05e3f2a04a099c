"""Two appenders and a worker's gateway on one PostgreSQL, and the projections, to compare with a model."""

import asyncio
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from psycopg_pool import AsyncConnectionPool
from sqlalchemy import NullPool, create_engine, text

from commands.appender.appender import Appender
from commands.service import CommandService
from ledger.connection import LedgerConnection
from ledger.keys import Keyring
from ledger.macs import MacCheck
from ledger.store import Ledger, sqlalchemy_url
from ledger.streams import Streams
from ledger.ticket_codes import TicketCodes
from projections.engine import catch_up
from projections.registry import PROJECTORS
from tests.ledger import storage
from workers.gateway import Gateway


class Bench:
    """Two command services and a gateway on one database, a loop to run them in, and the projections. `now`: the time by all
    clocks."""

    def __init__(self, database_url: str, directory: Path, now: datetime) -> None:
        self.url = database_url
        self.loop = asyncio.Runner()
        self.run = self.loop.run
        self.codes = TicketCodes(Keyring.open(directory, "tickets"))
        self.engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
        self.ledger, self.gateway = Ledger(database_url), Gateway(Ledger(database_url, storage.MACS))
        self.now = now
        self.pool: AsyncConnectionPool[Any] = AsyncConnectionPool(database_url, kwargs={"autocommit": True}, min_size=1, open=False)
        self.run(self.pool.open())
        self.command_services: list[tuple[Appender, CommandService]] = [self.run(self.command_service()) for _ in range(2)]

    async def command_service(self) -> tuple[Appender, CommandService]:
        streams = Streams(self.pool, MacCheck(storage.MACS))
        connect = partial(LedgerConnection.connect, self.url, storage.MACS)
        appender = Appender(connect=connect, streams=streams, clock=lambda: self.now)
        await appender.start()
        return appender, CommandService(appender, streams, self.codes)

    def crash(self, which: int) -> None:
        """One process loses its event cache."""
        self.run(self.command_services[which][0].close())
        self.command_services[which] = self.run(self.command_service())

    def project(self, name: str) -> None:
        catch_up(self.engine, self.ledger, PROJECTORS[name], batch_size=7)

    def rows(self, query: str, **values: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(text(query), values))

    def close(self) -> None:
        for appender, _ in self.command_services:
            self.run(appender.close())
        self.run(self.pool.close())
        self.ledger.close()
        self.gateway.close()
        self.loop.close()
