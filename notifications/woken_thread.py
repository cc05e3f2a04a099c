"""A thread that does its work whenever it is woken, and survives whatever its work raises."""

import logging
import threading
from collections.abc import Callable

from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError

from ledger.anchor import LedgerWentBack
from ledger.database_errors import one_line
from ledger.outage import OutageLog
from ledger.store import Ledger, LedgerUnavailable

log = logging.getLogger(__name__)


class WokenThread:
    """`work` is called in the thread, never twice at once; what it raises is logged, and it is called again when woken."""

    def __init__(self, name: str, engine: Engine, ledger: Ledger, work: Callable[[], None]) -> None:
        self._name, self._engine, self._ledger, self._work = name, engine, ledger, work
        self._wanted, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run_for_ever, name=name, daemon=True)
        self._starting = threading.Lock()
        self._database = OutageLog(log, f"The database, for {name},")

    @property
    def is_closing(self) -> bool:
        return self._closing.is_set()

    def wake(self) -> None:
        """There may be something to do. Returns at once."""
        with self._starting:
            if not self._thread.is_alive() and not self._closing.is_set():
                self._thread.start()
        self._wanted.set()

    def close(self) -> None:
        """Ends the thread, after the work that it does."""
        self._closing.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run_for_ever(self) -> None:
        while self._wanted.wait():
            self._wanted.clear()
            if self._closing.is_set():
                return
            try:
                self._work()
                self._database.worked()
            except LedgerWentBack as error:
                log.critical("%s", error)
                self._ledger.forget()
                self._engine.dispose()
            except (OperationalError, InterfaceError, InternalError, LedgerUnavailable) as error:  # InternalError: it is read-only
                self._database.failed(one_line(getattr(error, "orig", error)))
            except Exception:  # if this thread ended, nobody would be told until the process is restarted
                log.exception("%s failed; the next tick tries again", self._name.capitalize())
