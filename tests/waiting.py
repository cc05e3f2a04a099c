"""Waiting for what sends no notification."""

import asyncio
from collections.abc import Callable
from inspect import isawaitable
from typing import Any


async def until(condition: Callable[[], Any], pause_seconds: float = 0.01) -> None:
    """Returns when what the condition returns, or what that comes to where it has to be awaited, is true. Raises TimeoutError."""
    async with asyncio.timeout(10):
        while not (await result if isawaitable(result := condition()) else result):  # noqa: ASYNC110 - what is looked at tells nobody
            await asyncio.sleep(pause_seconds)
