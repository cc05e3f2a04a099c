"""A proxy in front of a server that falls silent: connections stay open, and nothing passes any more, not even their end."""

import asyncio
import gc
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class SilentProxy:
    """Runs on an event loop in a thread of its own. `port` is where it listens."""

    def __init__(self, host: str, port: int) -> None:
        """A `host` with a slash is the directory of PostgreSQL's socket."""
        self._host, self._target_port = host, port
        self._loop = asyncio.new_event_loop()
        self._lines: list[_Line] = []
        self._tasks = set[asyncio.Task[None]]()
        #: Of all connections, also of those whose task has not begun.
        self._writers: list[asyncio.StreamWriter] = []
        self._accepts = True
        self._never = asyncio.Event()  # it also keeps the tasks that wait for it
        self.port = 0

    def silence(self, *, new_ones: bool = False) -> int:
        """From now on nothing passes on the present connections. Their number. `new_ones`: nor on later ones, until `restore`."""
        lines = list(self._lines)
        for line in lines:
            line.is_silent = True
        self._accepts = not new_ones
        return len(lines)

    def restore(self) -> None:
        """New connections work again. The old ones stay silent, as after a restart of a firewall."""
        self._accepts = True

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        task = self._loop.create_task(self._connected(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = _Line(self._never)
        self._lines.append(line)
        line.is_silent = not self._accepts
        try:
            server = await self._server()
            self._writers.append(server[1])
            async with asyncio.TaskGroup() as group:
                group.create_task(line.pass_on(reader, server[1]))
                group.create_task(line.pass_on(server[0], writer))
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            pass  # asyncio would log the end of a task that is cancelled
        finally:
            writer.close()
            if line in self._lines:
                self._lines.remove(line)

    async def _server(self) -> Streams:
        if self._host.startswith("/"):
            return await asyncio.open_unix_connection(f"{self._host}/.s.PGSQL.{self._target_port}")
        return await asyncio.open_connection(self._host, self._target_port)

    @contextmanager
    def running(self) -> Iterator["SilentProxy"]:
        thread = threading.Thread(target=self._loop.run_forever)
        thread.start()
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._accept, "127.0.0.1", 0), self._loop).result(10)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._close(server), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()
            collect_connections()

    async def _close(self, server: asyncio.Server) -> None:
        server.close()
        await settle()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await close_all(self._writers)


def collect_connections() -> None:
    """A connection that was cancelled half-way is closed by the garbage collector: here, not as a warning of a later test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


async def settle() -> None:
    """Lets asyncio finish what it does in later iterations: hand over a connection that was accepted, or close a socket."""
    for _ in range(5):
        await asyncio.sleep(0.01)


async def close_all(writers: Iterable[asyncio.StreamWriter]) -> None:
    """Closes their sockets, at once: the event loop is about to end, and would leave them open."""
    for writer in writers:
        writer.transport.abort()
    await settle()


class _Line:
    def __init__(self, never: asyncio.Event) -> None:
        self.is_silent, self._never = False, never

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                if self.is_silent:
                    await self._never.wait()
                writer.write(data)
                await writer.drain()
            if self.is_silent:
                await self._never.wait()
        finally:
            writer.close()
        raise ConnectionResetError  # ends the other way, too


@contextmanager
def silent_proxy(url: str) -> Iterator[tuple[SilentProxy, str]]:
    """A proxy in front of a PostgreSQL or Redis, and the URL that leads through it."""
    parts = urlsplit(url)
    if parts.scheme.startswith("postgres"):
        target = conninfo_to_dict(url)
        host, port = str(target.get("host") or "127.0.0.1"), int(target.get("port") or 5432)
    else:
        target, host, port = {}, parts.hostname or "127.0.0.1", parts.port or 6379
    credentials = parts.netloc.rpartition("@")[0]
    with SilentProxy(host, port).running() as proxy:
        netloc = f"{credentials}{'@' if credentials else ''}127.0.0.1:{proxy.port}"
        if target:
            yield proxy, f"postgresql://{netloc}/{target['dbname']}?sslmode=disable&gssencmode=disable"
        else:
            yield proxy, parts._replace(netloc=netloc).geturl()
