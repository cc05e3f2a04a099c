"""Celery's transports of Redis, but a message that can't be read is dropped. With kombu's own it would end the worker."""

import logging
import time
from typing import Any

from kombu import transport
from kombu.transport.redis import Channel, SentinelChannel, SentinelTransport, Transport

log = logging.getLogger(__name__)

#: Of what could not be read, one in this time has a line in the log.
REPEAT_SECONDS = 30.0
#: What kombu and Celery raise for a text that is no message of theirs. Errors of Redis are none of these.
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


class _Tolerant:
    """Of a channel: it takes the next message if one can't be read."""

    _log_again_at = 0.0

    def _brpop_read(self, **options: Any) -> Any:
        taken: dict[str, Any] = self.qos._delivered  # type: ignore[attr-defined]
        before = set(taken)
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]
        except _UNREADABLE as error:
            for tag in taken.keys() - before:  # else it would count as one that is being executed, for ever
                self.qos.ack(tag)  # type: ignore[attr-defined]
            self._log(error)
            return True

    def _log(self, error: Exception) -> None:
        if time.monotonic() >= _Tolerant._log_again_at:
            _Tolerant._log_again_at = time.monotonic() + REPEAT_SECONDS
            log.error("A message in Redis was dropped, because Seatledger did not send it: %s: %.200s", type(error).__name__, error)


class TolerantChannel(_Tolerant, Channel):
    pass


class TolerantSentinelChannel(_Tolerant, SentinelChannel):
    pass


class TolerantTransport(Transport):
    Channel = TolerantChannel


class TolerantSentinelTransport(SentinelTransport):
    Channel = TolerantSentinelChannel


def install() -> None:
    """For all connections of this process that Celery opens, before it opens any: their addresses name the transport."""
    transport.TRANSPORT_ALIASES["redis"] = f"{__name__}:{TolerantTransport.__name__}"
    transport.TRANSPORT_ALIASES["sentinel"] = f"{__name__}:{TolerantSentinelTransport.__name__}"
