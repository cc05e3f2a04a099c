"""What every request passes first: headers for browsers, and a bound on how long a client may take to send its body."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: A body of 64 KiB that takes longer comes from nobody whom we could serve.
BODY_SECONDS = 10

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
]


class Edge:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await self._app(scope, receive if scope["method"] in ("GET", "HEAD") else _in_time(receive), send_with_headers)


def _in_time(receive: Receive) -> Receive:
    """The body within BODY_SECONDS, or a disconnected client; what is asked for after the body may wait for ever."""
    deadline = asyncio.get_running_loop().time() + BODY_SECONDS
    complete = False

    async def receive_in_time() -> Message:
        nonlocal complete
        if complete:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            complete = True
            return {"type": "http.disconnect"}
        complete = not message.get("more_body", False)
        return message

    return receive_in_time
