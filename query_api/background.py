"""Ending the tasks of a process."""

import asyncio
from typing import Any

AGAIN_SECONDS = 0.2


async def stop(*tasks: "asyncio.Task[Any]") -> None:
    """Cancels them until they are gone: redis-py loses a cancellation that comes while it connects."""
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=AGAIN_SECONDS)
