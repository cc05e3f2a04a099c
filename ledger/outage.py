"""The log of an outage: a line when something is lost, one when it is back, and at most one every REPEAT_SECONDS in between,
however often it is tried."""

import logging
import threading
import time

REPEAT_SECONDS = 30.0


class OutageLog:
    """`what` is unavailable or not. Any thread may say so."""

    def __init__(self, log: logging.Logger, what: str) -> None:
        """`what`: the beginning of a sentence, such as "The database"."""
        self._log, self._what = log, what
        self._lock = threading.Lock()
        self._since: float | None = None
        self._logged_at = self._failed_at = 0.0
        self._failures = 0

    @property
    def is_lost(self) -> bool:
        return self._since is not None

    def failed(self, error: object) -> None:
        """It was tried, in vain."""
        now = time.monotonic()
        with self._lock:
            self._failures += 1
            if self._since is None:
                self._since, self._failures = now, 1
                self._log.warning("%s is unavailable: %s", self._what, error)
            elif now - self._logged_at >= REPEAT_SECONDS:
                message = "%s has been unavailable for %.0f s (%d tries): %s"
                self._log.warning(message, self._what, now - self._since, self._failures, error)
            else:
                return
            self._logged_at = now

    def repeated(self, error: object) -> None:
        """As `failed`, where nobody calls `worked`: after REPEAT_SECONDS without a failure, the next one is of another outage."""
        now = time.monotonic()
        with self._lock:
            if now - self._failed_at >= REPEAT_SECONDS:
                self._since = None
            self._failed_at = now
        self.failed(error)

    def worked(self) -> None:
        """It was tried, and was there."""
        if self._since is None:  # the usual case, without the lock
            return
        with self._lock:
            if self._since is not None:
                message = "%s is available again, after %.0f s (%d tries failed)"
                self._log.warning(message, self._what, time.monotonic() - self._since, self._failures)
            self._since = None
