"""The log of every process: one line a record on standard error, as text or as a JSON object (LOG_FORMAT).

A record that is made while a request is handled names the request's id, and its trace's, if it has one. A record may have further
fields, in `extra={"fields": {…}}`: in JSON each is one of the object's; its text says the same.
"""

import logging
import os
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import msgspec

from ledger.request_trace import current_trace
from ledger.settings import Settings

_encode = msgspec.json.Encoder(enc_hook=str).encode


def configure(settings: Settings, process: str) -> None:
    """For a process that begins: what it logs, and what ends one of its threads, or itself. `process`: its name in JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(process) if settings.log_format == "json" else TextFormatter())
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    logging.captureWarnings(settings.log_format == "json")
    if settings.log_format == "json":
        sys.excepthook = _log_uncaught
        threading.excepthook = lambda hook: _log_uncaught(hook.exc_type, hook.exc_value, hook.exc_traceback)


def json_line(process: str, message: str) -> str:
    """The line for a message of another program, or for people."""
    return _encode({"time": _time(datetime.now(UTC)), "level": "INFO", "process": process, "message": message}).decode()


class TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        text = super().formatMessage(record)
        trace = current_trace()
        return text if trace is None else f"{text} [{trace.id}]"


class JsonFormatter(logging.Formatter):
    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = {"process": process, "pid": os.getpid()}

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self._process,
        }
        if (trace := current_trace()) is not None:
            line["request_id"] = trace.id
            if trace.trace_id:
                line["trace_id"] = trace.trace_id
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line).decode()


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _log_uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        sys.__excepthook__(kind, error or kind(), trace)
        return
    logging.getLogger(__name__).critical("An exception was not caught", exc_info=(kind, error or kind(), trace))
