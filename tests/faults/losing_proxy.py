"""A proxy in front of PostgreSQL that loses replies: the transaction is committed, but the client gets no reply.

It reads the protocol (PostgreSQL's documentation, "Message Formats"): when armed, it cuts both connections instead of passing on
the first ReadyForQuery outside a transaction that follows a call of `ledger_append`. The server sends that after the commit.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg.conninfo import conninfo_to_dict, make_conninfo

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class LosingProxy:
    def __init__(self, database_url: str) -> None:
        self._target = conninfo_to_dict(database_url)
        self._lines: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._calls: list[_Call] = []
        self.url = ""
        self.armed = False
        self.lost = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        self._lines[line] = writer
        server = await self._server()
        call = _Call()
        self._calls.append(call)
        ways = [
            asyncio.create_task(call.to_server(reader, server[1])),
            asyncio.create_task(self._to_client(server[0], writer, call)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            writer.transport.abort()
            server[1].transport.abort()
            del self._lines[line]

    async def _server(self) -> Streams:
        host, port = str(self._target.get("host") or "127.0.0.1"), self._target.get("port") or 5432
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, int(port))

    async def _to_client(self, server: asyncio.StreamReader, client: asyncio.StreamWriter, call: "_Call") -> None:
        while True:
            kind, body = await _message(server)
            if call.frozen:
                await asyncio.Event().wait()
            if kind == b"E":
                call.made = False
            if kind == b"Z" and body[4:] == b"I" and call.made:
                call.made = False
                if self.armed:
                    self.armed = False
                    self.lost += 1
                    return
            client.write(kind + body)
            await client.drain()

    def freeze(self) -> None:
        """From now on existing connections pass on no replies; new connections work."""
        for call in self._calls:
            call.frozen = True

    async def close(self) -> None:
        for line, client in list(self._lines.items()):
            client.transport.abort()
            await line


class _Call:
    """Whether a call of `ledger_append` is in progress on a connection. The statement is prepared under a name."""

    def __init__(self) -> None:
        self.made = self.frozen = False
        self._names: set[bytes] = set()

    async def to_server(self, client: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        size = await client.readexactly(4)  # the first message has no type byte
        server.write(size + await client.readexactly(int.from_bytes(size, "big") - 4))
        while True:
            kind, body = await _message(client)
            parts = body[4:].split(b"\0", 2)
            if kind == b"P" and b"ledger_append" in parts[1]:
                self._names.add(parts[0])
            elif kind == b"B" and parts[1] in self._names:
                self.made = True
            server.write(kind + body)
            await server.drain()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    kind = await reader.readexactly(1)
    size = await reader.readexactly(4)
    return kind, size + await reader.readexactly(int.from_bytes(size, "big") - 4)


@asynccontextmanager
async def losing_proxy(database_url: str) -> AsyncIterator[LosingProxy]:
    proxy = LosingProxy(database_url)
    listening = await asyncio.start_server(proxy.connected, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    proxy.url = make_conninfo(database_url, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable")
    try:
        yield proxy
    finally:
        listening.close()
        await proxy.close()
