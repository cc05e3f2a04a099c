"""Receives webhooks: verifies them, drops what it has, and asks for a replay where it sees a gap. Needs a running Seatledger that
may send to this machine (`WEBHOOKS_ALLOW_PRIVATE=1 make run`):

python examples/webhook_receiver.py [http://localhost:8000 [PORT]]

It makes a webhook of its own and deletes it when it ends. A real one is made once, and its secret kept in the environment.
"""

import signal
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from event_sdk import CreateWebhook, NotificationsApi, ReplayFrom, WebhookType
from event_sdk_extras import Client, InvalidSignature, WebhookVerifier

PASSWORD = "demo-password"  # noqa: S105 - the demo's published password
MAX_BODY_BYTES = 1 << 20


class Inbox:
    """What was received. A program would keep it in the database in which it acts, in the same transaction."""

    def __init__(self, file: Path, replay: Callable[[int], None]) -> None:
        """`replay` asks to send again from a position on."""
        self._file, self._replay = file, replay
        lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
        self._ids = {id_ for id_, _ in lines}
        self._asked = set[str]()
        self._last = max((int(position) for _, position in lines), default=None)

    def receive(self, id_: str, event: dict[str, Any]) -> str:
        """Acts on an event, once. Returns what became of it."""
        if event["type"] == "webhook.test":
            return "test"
        if id_ in self._ids:
            return "known"
        position, previous = event["position"], event["previous_position"]
        if self._last is not None and previous is not None and previous > self._last and id_ not in self._asked:
            # Something between was not received: it comes now, then this again. The answer is 2xx all the same. If there is still a
            # gap when this comes again, no replay fills it: it was about types that the webhook had before, say.
            self._asked.add(id_)
            self._replay(self._last)
            return f"gap after {self._last}"
        self._act(event)
        with self._file.open("a") as file:
            file.write(f"{id_} {position}\n")
        self._ids.add(id_)
        self._last = max(position, self._last or 0)
        return "received"

    def _act(self, event: dict[str, Any]) -> None:
        """What your program does. Events arrive in order of `position`, but one that was refused may come late."""


class Handler(BaseHTTPRequestHandler):
    verifier: WebhookVerifier
    inbox: Inbox

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size) if 0 <= size <= MAX_BODY_BYTES else b""
        try:
            event = self.verifier.verify(dict(self.headers), body)
        except InvalidSignature as error:
            print(f"Refused: {error}", flush=True)
            self._answer(401)
            return
        outcome = self.inbox.receive(self.headers["webhook-id"], event)
        print(f"{event['type']} at {event['position']}: {outcome}", flush=True)
        self._answer(204)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: what happens is printed above."""


def main(host: str | None = None, port: str = "9000", file: str = "received.txt") -> None:
    client = Client(host)
    client.log_in("organizer@example.test", PASSWORD)
    webhooks = NotificationsApi(client)
    made = webhooks.create_webhook(CreateWebhook(url=f"http://127.0.0.1:{port}/", types=[WebhookType("*")]))
    Handler.verifier = WebhookVerifier(made.secret)

    def replay(position: int) -> None:
        webhooks.replay_webhook(made.id, ReplayFrom(var_from=position))

    Handler.inbox = Inbox(Path(file), replay)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with HTTPServer(("127.0.0.1", int(port)), Handler) as server:
        print(f"Webhook {made.id} is received at {made.url}. Ctrl-C ends it.", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            webhooks.delete_webhook(made.id)


if __name__ == "__main__":
    main(*sys.argv[1:])
