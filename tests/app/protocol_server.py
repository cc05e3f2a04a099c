"""A server that speaks the HTTP protocol of `app/fast_path/protocol.py`, and clients that write and read bytes."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import uvicorn

from app.fast_path import protocol

Message = MutableMapping[str, Any]
BOUND_SECONDS = 0.3
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n"
PIECES = [b"x" * 50_000] * 40
#: More than the kernel buffers.
LONG = b"x" * 20_000_000


class Impatient(protocol.HttpProtocol):
    request_timeout_seconds = stalled_seconds = BOUND_SECONDS


async def echo(scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
    """Echoes the body; `/stream` sends PIECES without waiting, `/long` LONG; `/late` sends the head at once and the body later;
    `/headers` the names of the fields."""
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    else:
        return
    if scope["path"] == "/headers":
        body = b" ".join(name for name, _ in scope["headers"])
    pieces = PIECES if scope["path"] == "/stream" else [body]
    pieces = [LONG] if scope["path"] == "/long" else pieces
    length = b"%d" % sum(map(len, pieces))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    if scope["path"] == "/late":
        await asyncio.sleep(0.2)
    for number, piece in enumerate(pieces, 1):
        await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})


@contextmanager
def serving(http: Any) -> Iterator[int]:
    config = uvicorn.Config(echo, port=0, http=http, ws="none", loop="uvloop", log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        yield connection


def read_all(connection: socket.socket, length: int) -> bytes:
    got = b""
    while len(got) < length and (more := connection.recv(1 << 16)):
        got += more
    return got


def closed_after(connection: socket.socket) -> float:
    """Seconds until the server closes the connection without a response."""
    began = time.monotonic()
    assert connection.recv(100) == b""
    return time.monotonic() - began
