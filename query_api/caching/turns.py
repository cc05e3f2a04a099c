"""So many at once of what takes long, so many more who wait for their turn, and a time that they wait at most."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ledger.errors import Busy


class Turns:
    """Of one process. `what`: for those who are turned away, in the plural."""

    def __init__(self, what: str, at_once: int, waiting: int, seconds: float) -> None:
        self._refusal = f"Too many {what} at once. Try again."
        self._semaphore = asyncio.Semaphore(at_once)
        self._waiting, self._most, self._seconds = 0, waiting, seconds

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Raises Busy where too many wait already, or one has waited too long."""
        if self._waiting >= self._most:
            raise Busy(self._refusal)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                await self._semaphore.acquire()
        except TimeoutError:
            raise Busy(self._refusal) from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._semaphore.release()
