"""A server that stops behind a load balancer without losing a request.

    SIGTERM ─▶ /ready is 503, ──────▶ no new connections are ──────────▶ idle connections are closed, ─▶ exit
               responses close        accepted; those that are open      requests in progress finish
               their connections      are served for LINGER_SECONDS
               DRAIN_SECONDS          or until the proxy closes them

A connection is not closed while a proxy may just be sending a request on it: the proxy closes those that it does not use, sooner
than LINGER_SECONDS (`keepalive_timeout` in deploy/nginx/nginx.conf.template).
"""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, cast

import uvicorn

#: How long connections that are open are served after the last one was accepted.
LINGER_SECONDS = 6.0
TICK_SECONDS = 0.1
#: New connections that one iteration of the event loop accepts. libuv accepts one for each socket that listens: of 400 connections
#: that one client opens and keeps busy, somebody else's would wait for 400 iterations.
ACCEPTED_AT_ONCE = 16

log = logging.getLogger(__name__)


class Draining:
    """Whether the server has been told to stop."""

    def __init__(self) -> None:
        self.has_begun = False


class DrainingServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, draining: Draining, seconds: float) -> None:
        """`seconds`: how long it goes on as before, but for `/ready`; 0: it stops at once, without lingering. So does Ctrl-C."""
        super().__init__(config)
        self._draining, self._seconds = draining, seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGINT:
            self._seconds = 0.0
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in [one for server in self.servers for one in server.sockets] if self.started else ():
            for _ in range(ACCEPTED_AT_ONCE - 1):
                same = socket.socket(fileno=os.dup(listening.fileno()))
                server = await asyncio.get_running_loop().create_server(self._make_protocol, sock=same, backlog=self.config.backlog)
                self.servers.append(server)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._draining.has_begun = True
        if self._seconds:
            log.info("Draining")
            await self._serve_on(self._seconds, until_unused=False)
            await self._stop_listening()
            await self._serve_on(LINGER_SECONDS, until_unused=True)
        await super().shutdown(sockets)

    async def _stop_listening(self) -> None:
        """Serves the connections, too, that the kernel has completed and nobody has accepted yet: they would be reset, perhaps with
        a request on them. Whoever comes later is refused, and a proxy sends the request elsewhere."""
        waiting = [connection for server in self.servers for listening in server.sockets for connection in _accept_last(listening)]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for connection in waiting:
            await loop.connect_accepted_socket(self._make_protocol, connection)

    def _make_protocol(self) -> asyncio.Protocol:
        """As uvicorn does."""
        make = cast(Callable[..., asyncio.Protocol], self.config.http_protocol_class)
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def _serve_on(self, seconds: float, *, until_unused: bool) -> None:
        for tick in range(round(seconds / TICK_SECONDS)):
            if self.force_exit or (until_unused and not self.server_state.connections):
                return
            await self.on_tick(tick)  # keeps the Date header right
            await asyncio.sleep(TICK_SECONDS)


def _accept_last(listening: Any) -> list[socket.socket]:
    """Accepts the connections that wait, and refuses all others from now on."""
    accepted: list[socket.socket] = []
    with socket.socket(fileno=os.dup(listening.fileno())) as own, suppress(OSError):  # nobody waits any more
        own.setblocking(False)
        try:
            while True:
                accepted.append(own.accept()[0])
        finally:
            own.shutdown(socket.SHUT_RD)
    return accepted


def serve(app: Any, draining: Draining, seconds: float, **options: Any) -> bool:
    """Serves until a signal. False: it could not start."""
    server = DrainingServer(uvicorn.Config(app, **options), draining, seconds)
    with suppress(KeyboardInterrupt):  # raised again by uvicorn, once it has stopped
        server.run()
    return server.started
