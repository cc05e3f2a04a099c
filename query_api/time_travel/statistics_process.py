"""The process that folds past statistics (`as_of.py`), on the side of the API process.

It is begun when the first moment is asked for, computes one moment after the other, and ends when nobody has asked for
IDLE_SECONDS: to begin it takes a second, and it takes some 100 MB.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

from ledger.settings import Settings

COMMAND = (sys.executable, "-m", "query_api.time_travel.as_of")
#: How long one moment may take.
SECONDS = 120.0
IDLE_SECONDS = 300.0


class StatisticsFailed(Exception):
    """The process could not compute them, or ended. It has logged why."""


class StatisticsProcess:
    """Asked for one position at a time."""

    def __init__(self, settings: Settings) -> None:
        self._environment = {**os.environ, **settings.to_env()}
        self._process: Process | None = None
        self._idle: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """None: it does not run."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    async def ask(self, position: int) -> bytes:
        """The output of `as_of.py` for this position. Raises StatisticsFailed; TimeoutError after SECONDS."""
        self._cancel_idle()
        process = await self._running()
        try:
            async with asyncio.timeout(SECONDS):
                answer = await _exchange(process, position)
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:  # it has ended
            await self.stop()
            raise StatisticsFailed from error
        except BaseException:
            await self.stop()  # what it would still answer is not for the next one who asks
            raise
        self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._end)
        if not answer:
            raise StatisticsFailed
        return answer

    async def stop(self) -> None:
        self._cancel_idle()
        self._end()
        if self._process is not None:
            await self._process.wait()
            self._process = None

    async def _running(self) -> Process:
        if self.pid is None or self._process is None:
            self._process = await asyncio.create_subprocess_exec(*COMMAND, stdin=PIPE, stdout=PIPE, env=self._environment)
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    def _cancel_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None


async def _exchange(process: Process, position: int) -> bytes:
    """Writes a position as a line, and reads the length of the answer, as a line, and the answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"%d\n" % position)
    await process.stdin.drain()
    length = int(await process.stdout.readline())
    return await process.stdout.readexactly(length)
