"""How this product connects to PostgreSQL: parameters that bound each wait on either side, for all connections, and the connections
of processes that do not run on an event loop. (`ledger/pool.py` has those that do.)

A server may fall silent, or a proxy or firewall in between may forget the connection. Nothing says so then: only a bound of one's
own ends the wait.
"""

import os
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

import psycopg
from psycopg import Connection, errors
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import Row
from psycopg_pool import ConnectionPool
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError

CONNECT_SECONDS = 3
#: Keepalives find a lost peer while nothing is sent; tcp_user_timeout (ms) bounds data that was sent and is not acknowledged.
KEEPALIVES = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2, "tcp_user_timeout": 5_000}
#: The same for the server, so that a session whose client was lost does not keep its locks for hours.
_SERVER_KEEPALIVES = {"tcp_keepalives_idle": 5, "tcp_keepalives_interval": 2, "tcp_keepalives_count": 2, "tcp_user_timeout": 5_000}
#: Which tables are read must not be for a role of the database to say: it can give itself another search_path (`ALTER ROLE`).
SEARCH_PATH = {"search_path": "public"}
#: How much longer a client waits than the server may take for a statement.
GRACE_SECONDS = 1.0
#: A connection that was not used for IDLE_SECONDS is checked before it is used: it is lost unless it replies within CHECK_SECONDS.
IDLE_SECONDS, CHECK_SECONDS = 1.0, 2.0


def connection_parameters(database_url: str, application_name: str, **server_settings: str | int) -> dict[str, Any]:
    """libpq's parameters for DATABASE_URL, with bounds. `server_settings`: of the session, such as `statement_timeout` in ms. The
    options of DATABASE_URL come last and so have the last word."""
    given: dict[str, Any] = dict(conninfo_to_dict(database_url))
    options = options_of(**_SERVER_KEEPALIVES, **SEARCH_PATH, **server_settings)
    return {
        **KEEPALIVES,
        "connect_timeout": CONNECT_SECONDS,
        **given,
        "application_name": application_name,
        "options": f"{options} {given.get('options') or ''}".rstrip(),
    }


def options_of(**server_settings: str | int) -> str:
    """These settings of a session as libpq's `options`."""
    return " ".join(f"-c {name}={value}" for name, value in server_settings.items())


class BoundedConnection(Connection[Row]):
    """A connection that gives up a server which does not reply within `wait_seconds`: the call raises OperationalError, and the
    connection is closed. The bound is one of each statement, not of the time that its caller takes to compute."""

    wait_seconds: float | None = None
    #: When any connection of this process was last found to be silent.
    _lost_at = 0.0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._made_at = self._used_at = monotonic()

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, self.wait_seconds if timeout is None else timeout)
        except errors._WaitTimeout:
            if timeout is not None:
                raise
            BoundedConnection._lost_at = monotonic()
            self._give_up()
            raise psycopg.OperationalError(f"PostgreSQL has not replied for {self.wait_seconds:g} s") from None
        finally:
            self._used_at = monotonic()

    def check(self) -> None:
        """Raises OperationalError if the connection is lost. Asks the server only after IDLE_SECONDS, or if there is something to
        read: then the server has most likely closed the connection. One that was not used since another one fell silent counts as
        lost, too, so that a worker does not wait for each in turn. A new one is not checked: SQLAlchemy gives up after two."""
        if monotonic() - self._made_at < IDLE_SECONDS:
            return
        if self._used_at < BoundedConnection._lost_at:
            self._give_up()
            raise psycopg.OperationalError("another connection fell silent since this one was used")
        line = select.poll()
        line.register(self.fileno(), select.POLLIN)
        if line.poll(0) or monotonic() - self._used_at >= IDLE_SECONDS:
            with self._waiting(CHECK_SECONDS):
                ConnectionPool.check_connection(self)

    @contextmanager
    def _waiting(self, seconds: float) -> Iterator[None]:
        usual, self.wait_seconds = self.wait_seconds, seconds
        try:
            yield
        finally:
            self.wait_seconds = usual

    def _give_up(self) -> None:
        """Shuts the socket down first: closing alone would send a message, and may wait."""
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)
        self.close()


def make_engine(
    database_url: str, application_name: str, *, statement_seconds: float, pool_size: int, **server_settings: str | int
) -> Engine:
    """An engine whose connections are bounded: the server cancels a statement after `statement_seconds`, and ends a transaction in
    which it has been waiting for the client that long; the client gives up GRACE_SECONDS later. Connections that were idle are
    checked before they are used; if one is lost, so are all others of the engine most likely, and all are replaced."""
    milliseconds = round(statement_seconds * 1000)
    bounds = {"statement_timeout": milliseconds, "idle_in_transaction_session_timeout": milliseconds}
    parameters = connection_parameters(database_url, application_name, **bounds, **server_settings)
    engine = create_engine("postgresql+psycopg://", pool_size=pool_size)

    @event.listens_for(engine, "do_connect")
    def connect(dialect: object, record: object, arguments: list[Any], options: dict[str, Any]) -> BoundedConnection[Any]:
        connection: BoundedConnection[Any] = BoundedConnection.connect(**{**options, **parameters})
        connection.wait_seconds = statement_seconds + GRACE_SECONDS
        return connection

    @event.listens_for(engine, "checkout")
    def check(connection: BoundedConnection[Any], record: object, proxy: object) -> None:
        try:
            connection.check()
        except psycopg.OperationalError as error:
            raise InvalidatePoolError from error

    return engine
