"""One receiver of webhooks, over HTTP/1.1. Nothing of its answers is kept but the status.

The name is resolved once a connection, and the connection goes to an address that was resolved and found public then: a name that
means something else a moment later leads nowhere. No redirect is followed, no proxy of the environment is used, no cookie is kept.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import h11

from notifications.webhooks.addresses import Target, is_public

#: The bound of one delivery, from the resolution of the name to the status.
SECONDS = 10.0
#: What is read of an answer's body, in bytes and seconds, so that the connection can be used again.
ANSWER_BYTES, ANSWER_SECONDS = 16 * 1024, 1.0
HEAD_BYTES = 16 * 1024
#: How many of the addresses of a name are tried.
ADDRESSES = 2
_CHUNK = 16 * 1024

#: The resolver can't be interrupted: a delivery does not wait for its end.
_resolving = ThreadPoolExecutor(8, thread_name_prefix="webhook-names")


class Undelivered(Exception):
    """No status came. A sentence for the owner of the webhook."""


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Receiver:
    """Use it in one event loop; close it."""

    def __init__(
        self, target: Target, *, allow_private: bool, names: Callable[[str, int], Sequence[str]] = resolve, seconds: float = SECONDS
    ) -> None:
        self._target, self._allow_private, self._names, self._seconds = target, allow_private, names, seconds
        self._connection: _Connection | None = None

    async def post(self, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer. Raises Undelivered."""
        fields = [("Host", self._target.authority), *headers.items(), ("Content-Length", str(len(body)))]
        try:
            async with asyncio.timeout(self._seconds):
                status = await self._post(fields, body)
        except TimeoutError:
            self.close()
            raise Undelivered(f"No answer within {self._seconds:g} s.") from None
        except BaseException:
            self.close()
            raise
        if self._connection is not None and not await self._connection.is_reusable():
            self.close()
        return status

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def _post(self, headers: list[tuple[str, str]], body: bytes) -> int:
        if self._connection is not None:
            with suppress(_ClosedBefore):  # since its last answer, as it may: then nothing of this was read
                return await self._connection.exchange(self._target.path, headers, body)
            self.close()
        self._connection = await self._connect()
        try:
            return await self._connection.exchange(self._target.path, headers, body)
        except _ClosedBefore:
            raise Undelivered("The connection was closed without an answer.") from None

    async def _connect(self) -> "_Connection":
        target = self._target
        try:
            addresses = await asyncio.get_running_loop().run_in_executor(_resolving, self._names, target.host, target.port)
        except (OSError, UnicodeError):
            raise Undelivered("The name can't be resolved.") from None
        if not self._allow_private and not all(map(is_public, addresses)):
            raise Undelivered("The name leads to an address that is not public.")
        tls: dict[str, Any] = {"ssl": _TLS, "server_hostname": target.host} if target.is_tls else {}
        failure = "The name has no address."
        for address in addresses[:ADDRESSES]:
            try:
                return _Connection(*await asyncio.open_connection(address, target.port, **tls))
            except ssl.SSLCertVerificationError as error:
                failure = f"The certificate is not valid: {error.verify_message}."
            except ssl.SSLError as error:
                failure = f"TLS failed: {error.reason or 'unknown'}."
            except OSError as error:
                failure = f"No connection: {os.strerror(error.errno) if error.errno else 'refused'}."
        raise Undelivered(failure)


_TLS = ssl.create_default_context()


class _ClosedBefore(Exception):
    """The connection ended before an answer began."""


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)

    async def exchange(self, path: str, headers: list[tuple[str, str]], body: bytes) -> int:
        """Raises Undelivered, _ClosedBefore."""
        events = (h11.Request(method="POST", target=path, headers=headers), h11.Data(data=body), h11.EndOfMessage())
        try:
            self._writer.write(b"".join(self._http.send(event) or b"" for event in events))
            # What is refused before it is read whole may have been answered.
            with suppress(OSError):
                await self._writer.drain()
            return await self._status()
        except h11.ProtocolError:
            raise Undelivered("The answer is not HTTP/1.1.") from None
        except OSError:
            raise _ClosedBefore from None

    async def _status(self) -> int:
        left = HEAD_BYTES  # also for informational answers, however many
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Response):
                return event.status_code
            if event is h11.NEED_DATA:
                if left <= 0:
                    raise Undelivered("The head of the answer does not end.")
                data = await self._reader.read(_CHUNK)
                if not data and self._http.their_state is h11.SEND_RESPONSE and not self._http.trailing_data[0]:
                    raise _ClosedBefore
                left -= len(data)
                self._http.receive_data(data)
            elif isinstance(event, h11.ConnectionClosed):
                raise _ClosedBefore

    async def is_reusable(self) -> bool:
        """Reads the answer to its end, within limits."""
        left = ANSWER_BYTES
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while left > 0:
                    event = self._http.next_event()
                    if isinstance(event, h11.EndOfMessage):
                        self._http.start_next_cycle()
                        return True
                    if isinstance(event, h11.Data):
                        left -= len(event.data)
                    elif event is h11.NEED_DATA:
                        self._http.receive_data(await self._reader.read(_CHUNK))
                    else:
                        return False
        except (h11.ProtocolError, OSError, TimeoutError):
            return False
        return False

    def close(self) -> None:
        transport = self._writer.transport
        transport.abort()
