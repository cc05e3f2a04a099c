"""`python -m benchmarks.peers NAME` serves one peer on PORT, over DATABASE_URL where it has a database."""

import argparse
import gc
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from typing import Any

import uvicorn
from fastapi import FastAPI

from benchmarks.gc_on_signal import collect_on_signal
from benchmarks.peers import PEERS, READS

#: As in app/__main__.py, except for uvicorn's own protocol (ours is app/fast_path/protocol.py). A test compares them.
OPTIONS: dict[str, Any] = {
    "loop": "uvloop",
    "http": "httptools",
    "ws": "none",
    "log_config": None,
    "access_log": False,
    "server_header": False,
    "proxy_headers": True,
    "backlog": 2048,
    "timeout_keep_alive": 15,
    "timeout_graceful_shutdown": 5,
}


def make_app(name: str, database_url: str) -> FastAPI:
    """The application of a peer. Its module has a context manager `lifespan(app, database_url)` and a `router`."""
    peer = import_module(f"benchmarks.peers.{name}")
    app = FastAPI(title=name, lifespan=_lifespan(peer.lifespan, database_url))
    app.include_router(peer.router)
    return app


def _lifespan(
    lifespan: Callable[[FastAPI, str], AbstractAsyncContextManager[None]], database_url: str
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def combined(app: FastAPI) -> AsyncIterator[None]:
        async with lifespan(app, database_url):
            gc.collect()
            gc.freeze()
            gc.set_threshold(20_000, 20, 100)  # as ledger/gc_tuning.py for Seatledger
            yield

    return combined


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("name", choices=(*PEERS, READS))
    name = parser.parse_args().name
    collect_on_signal()
    app = make_app(name, os.environ.get("DATABASE_URL", ""))
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), **OPTIONS)


if __name__ == "__main__":
    main()
