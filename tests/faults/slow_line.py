"""A TCP proxy in front of PostgreSQL, in a thread: a line that is slow, or falls silent while its connections stay open."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.faults.silent_proxy import close_all, collect_connections, settle


class SlowLine:
    """`round_trip_seconds` is added to each round trip, also to that which opens a connection. While `silent`, nothing passes and
    nothing is closed; afterwards everything does that was sent meanwhile."""

    def __init__(self, database_url: str) -> None:
        self._target = conninfo_to_dict(database_url)
        self._url = database_url
        self._loop = asyncio.new_event_loop()
        self._open: asyncio.Event
        self._lines: set[asyncio.Task[None]] = set()
        #: Of all connections, also of those whose task has not begun.
        self._writers: list[asyncio.StreamWriter] = []
        self.url = ""
        self.round_trip_seconds = 0.0

    @contextmanager
    def running(self) -> Iterator["SlowLine"]:
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        port = server.sockets[0].getsockname()[1]
        self.url = make_conninfo(self._url, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable")
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._close(server), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(10)
            self._loop.close()
            collect_connections()

    @contextmanager
    def silent(self) -> Iterator[None]:
        self._loop.call_soon_threadsafe(self._open.clear)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._open.set)

    async def _listen(self) -> asyncio.Server:
        self._open = asyncio.Event()
        self._open.set()
        return await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=500)

    async def _close(self, server: asyncio.Server) -> None:
        server.close()
        await settle()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)
        await close_all(self._writers)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        line = self._loop.create_task(self._pass_on(reader, writer))
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._open.wait()
            await asyncio.sleep(self.round_trip_seconds)
            server_reader, server_writer = await self._connect()
            self._writers.append(server_writer)
            ways = [
                self._loop.create_task(self._forward(reader, server_writer)),
                self._loop.create_task(self._forward(server_reader, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                server_writer.transport.abort()
        finally:
            writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = str(self._target.get("host") or "127.0.0.1"), self._target.get("port") or 5432
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, int(port))

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes bytes on, each half a round trip after it came."""
        sent: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def receive() -> None:
            data = b"-"
            while data:
                data = b""
                with suppress(OSError):
                    data = await reader.read(65536)
                sent.put_nowait((self._loop.time() + self.round_trip_seconds / 2, data))

        receiving = self._loop.create_task(receive())
        try:
            while True:
                due, data = await sent.get()
                await asyncio.sleep(due - self._loop.time())
                await self._open.wait()
                if not data:
                    return
                writer.write(data)
                await writer.drain()
        finally:
            receiving.cancel()
