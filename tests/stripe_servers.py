"""A stand-in for Stripe: localstripe, and in front of it a server of these tests that they can trouble."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from devstack.local_stripe import LocalStripe, register_webhooks, start_server
from devstack.stripe_keys import API_KEY, PUBLISHABLE_KEY, WEBHOOK_SECRET
from tests.running_system import free_port

KEYS: dict[str, Any] = {
    "stripe_api_key": API_KEY, "stripe_publishable_key": PUBLISHABLE_KEY, "stripe_webhook_secret": WEBHOOK_SECRET,
    "stripe_test": True,
}  # fmt: skip
CARD = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2040", "cvc": "123"}
REFUSED = {**CARD, "number": "4000000000000002"}


class StripeStandIn:
    """`settings`: of processes that use it."""

    def __init__(self, server: str, url: str, webhook_url: str) -> None:
        self.local = LocalStripe(server, webhook_url)
        self.server, self.url = server, url
        self.settings = {**KEYS, "stripe_api_base": url, "demo": True}

    def pay(self, client_secret: str, card: dict[str, str] = CARD) -> Any:
        """As the page's form does. Returns the payment intent, or the error."""
        body = {"key": PUBLISHABLE_KEY, "client_secret": client_secret, "card": card}
        return self.ask("POST", f"/v1/payment_intents/{client_secret.split('_secret_', maxsplit=1)[0]}/confirm", body)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        return httpx.request(method, f"{self.url}{path}", json=body, headers=headers, timeout=10).json()


@contextmanager
def stripe_stand_in(webhook_url: str) -> Iterator[StripeStandIn]:
    server_port, port = free_port(), free_port()
    process = start_server(server_port)
    stand_in = StripeStandIn(f"http://127.0.0.1:{server_port}", f"http://127.0.0.1:{port}", webhook_url)
    server = uvicorn.Server(uvicorn.Config(stand_in.local.app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        register_webhooks(stand_in.server, stand_in.url)
        yield stand_in
    finally:
        server.should_exit = True
        thread.join(10)
        process.terminate()
        process.wait(10)
