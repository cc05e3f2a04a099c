"""`python -m tests.notifications.webhook_receiver PORT FILE`: a receiver of webhooks that appends each request to a file, a JSON
object a line, before it answers.

What it answers, the path says: `/ok` 200; `/error` 500; `/gone` 410; `/redirect` sends to `/ok`; `/later` is an error at the first
try of an id; `/hangs` says nothing; `/closes` cuts the connection; `/slow` takes a second; `/huge` answers 200 with 1 GB;
`/stalls` promises a body that never comes; `/poison` refuses what concerns an event's cancellation; `/babble` is no HTTP;
`/informs` answers 102 for ever."""

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path
from typing import NoReturn

HUGE = 1 << 30
_CHUNK = b"x" * (1 << 16)


class Receiver:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._tries: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._serve_one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, *_ = head.split(" ")
        lines = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
        headers = {name.lower(): value for name, _, value in lines}
        body = (await reader.readexactly(int(headers["content-length"]))).decode()
        id_ = headers["webhook-id"]
        self._tries[id_] += 1
        with self._file.open("a") as file:
            file.write(json.dumps({"method": method, "path": path, "headers": headers, "body": body, "id": id_}) + "\n")
        return await self._answer(path, self._tries[id_], body, writer)

    async def _answer(self, path: str, tries: int, body: str, writer: asyncio.StreamWriter) -> bool:
        match path:
            case "/hangs":
                await asyncio.sleep(3_600)
                return False
            case "/closes":
                return False
            case "/babble":
                writer.write(b"220 mail.example.test ESMTP\r\n")
                await writer.drain()
                return False
            case "/stalls":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
                await asyncio.sleep(3_600)
                return False
            case "/huge":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % HUGE)
                for _ in range(HUGE // len(_CHUNK)):
                    writer.write(_CHUNK)
                    await writer.drain()
                return True
            case "/informs":
                await _inform_for_ever(writer)
            case "/slow":
                await asyncio.sleep(1)
        status = {"/error": 500, "/gone": 410, "/redirect": 302}.get(path, 200)
        if (path == "/later" and tries == 1) or (path == "/poison" and "event.cancelled" in body):
            status = 500
        writer.write(b"HTTP/1.1 %d Said\r\nLocation: /ok\r\nContent-Length: 6\r\n\r\nsecret" % status)
        await writer.drain()
        return True


async def _inform_for_ever(writer: asyncio.StreamWriter) -> NoReturn:
    while True:
        writer.write(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)
        await writer.drain()


async def main(port: int, file: Path) -> None:
    server = await asyncio.start_server(Receiver(file).serve, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
