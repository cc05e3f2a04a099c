"""A stand-in for Stripe on this machine, which takes no money: localstripe, and in front of it what it lacks.

It gives the same answer to the same Idempotency-Key, takes cards from the page's form, says what a payment intent has received, and
signs webhooks of its own. Its payments are forgotten when it ends. For development and tests: it has all keys, and asks for none.
"""

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import stripe
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devstack.child_process import ending_with_parent
from devstack.stripe_keys import API_KEY, WEBHOOK_SECRET

#: A card that Stripe's documentation has for a refusal, and the one that localstripe refuses.
REFUSED_CARD, THEIR_REFUSED_CARD = "4000000000000002", "4000000000000341"
#: Parameters that localstripe does not know.
UNKNOWN_PARAMETERS = ("description", "allowed_payment_method_types")
SECONDS = 10.0
START_SECONDS = 20.0
_SCRIPT = (Path(__file__).parent / "local_stripe.js").read_text()
_FOR_EACH_PAGE = {"Access-Control-Allow-Origin": "*"}
#: When, in seconds from now, a webhook is delivered, each time it is.
Deliveries = Callable[[dict[str, Any]], Sequence[float]]


def at_once(event: dict[str, Any]) -> Sequence[float]:
    return (0.0,)


class LocalStripe:
    """An ASGI application. `server`: the address of localstripe; `webhook_url`: whom it tells, at the times of `deliveries`."""

    def __init__(self, server: str, webhook_url: str, deliveries: Deliveries = at_once) -> None:
        self._server, self._webhook_url, self.deliveries = server, webhook_url, deliveries
        self._answers: dict[str, asyncio.Future[tuple[bytes, Response]]] = {}
        self._refusal: tuple[str, Response] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.app = Starlette(
            routes=[
                Route("/webhooks", self._told, methods=["POST"]),
                Route("/js.stripe.com/v3/", self._script),
                Route("/v1/payment_intents/{id}/confirm", self._confirm, methods=["POST"]),
                Route("/{path:path}", self._pass_on, methods=["GET", "POST", "DELETE", "OPTIONS"]),
            ],
            lifespan=self._lifespan,
        )

    def forget_keys(self) -> None:
        """As Stripe does after a day."""
        self._answers.clear()

    @contextmanager
    def refusing(self, path: str, status: int, kind: str, code: str) -> Iterator[None]:
        """Refuses each POST to this path. `kind`: of the error; html: there is none, as from a proxy."""
        self._refusal = (path, Response("<html>", status) if kind == "html" else _error(status, kind, code, "It is refused."))
        try:
            yield
        finally:
            self._refusal = None

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        async with httpx.AsyncClient(base_url=self._server, timeout=SECONDS, headers=headers) as self._http:
            yield
            for task in self._tasks:
                task.cancel()

    async def _pass_on(self, request: Request) -> Response:
        key = request.headers.get("idempotency-key")
        if key is None or request.method != "POST":
            return await self._ask(request, await request.body())
        if self._refusal is not None and request.url.path == self._refusal[0]:
            return self._refusal[1]
        body = await request.body()
        if (known := self._answers.get(key)) is None:
            self._answers[key] = known = asyncio.get_running_loop().create_future()
            try:
                known.set_result((body, await self._ask(request, body)))
            except BaseException:
                del self._answers[key]
                known.cancel()
                raise
        sent, answer = await known
        if sent != body:
            return _error(400, "idempotency_error", "idempotency_key_in_use", "The same key came with other parameters.")
        return answer

    async def _ask(self, request: Request, body: bytes) -> Response:
        if "/payment_intents" in request.url.path and request.headers.get("content-type", "").endswith("urlencoded"):
            fields = httpx.QueryParams(body.decode()).multi_items()
            body = str(httpx.QueryParams([field for field in fields if not field[0].startswith(UNKNOWN_PARAMETERS)])).encode()
        headers = {name: value for name, value in request.headers.items() if name == "content-type"}
        url = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        answer = await self._http.request(request.method, url, content=body, headers=headers)
        return _passed(answer)

    async def _script(self, request: Request) -> Response:
        theirs = await self._http.get("/js.stripe.com/v3/")
        return Response(theirs.text + _SCRIPT, media_type="text/javascript")

    async def _confirm(self, request: Request) -> Response:
        """Gives the payment intent the form's card, and charges it; a refused one can be followed by another."""
        told = json.loads(await request.body())
        intent = f"/v1/payment_intents/{request.path_params['id']}"
        found = await self._http.get(intent)
        if found.status_code != HTTPStatus.OK or found.json()["client_secret"] != told.get("client_secret"):
            return _error(404, "invalid_request_error", "resource_missing", "No such payment intent.")
        if found.json()["status"] in ("succeeded", "canceled"):
            return _error(400, "invalid_request_error", "payment_intent_unexpected_state", "This payment is over.")
        card = told["card"]
        if card["number"].replace(" ", "") == REFUSED_CARD:
            card = {**card, "number": THEIR_REFUSED_CARD}
        method = await self._http.post("/v1/payment_methods", json={"type": "card", "card": card})
        if method.status_code != HTTPStatus.OK:
            return _error(402, "card_error", "incorrect_number", "Your card number, its date or its code is incorrect.")
        await self._http.post(intent, json={"payment_method": method.json()["id"], "latest_charge": None})
        return _passed(await self._http.post(f"{intent}/confirm"))

    async def _told(self, request: Request) -> Response:
        event = await request.json()
        if event["data"]["object"]["object"] == "payment_intent":
            _complete(event["data"]["object"])
        event["livemode"] = False
        for seconds in self.deliveries(event):
            task = asyncio.create_task(self._deliver(json.dumps(event), seconds))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return Response()

    async def _deliver(self, body: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        headers = {"Stripe-Signature": stripe.WebhookSignature.generate_signature_header(body, WEBHOOK_SECRET)}
        try:
            async with httpx.AsyncClient(timeout=SECONDS) as http:
                answer = await http.post(self._webhook_url, content=body, headers=headers)
            print(f"A webhook of the stand-in for Stripe: {answer.status_code}", flush=True)
        except httpx.HTTPError as error:
            print(f"A webhook of the stand-in for Stripe has failed: {error}", flush=True)


def _complete(intent: dict[str, Any]) -> None:
    intent["amount_received"] = intent["amount"] if intent["status"] == "succeeded" else 0


def _passed(answer: httpx.Response) -> Response:
    body: bytes = answer.content
    if answer.headers.get("content-type", "").startswith("application/json"):
        told = answer.json()
        for each in (told, *(told.get("data", []) if isinstance(told.get("data"), list) else [])):
            if each.get("object") == "payment_intent":
                _complete(each)
        body = json.dumps(told).encode()
    return Response(body, answer.status_code, {**_FOR_EACH_PAGE, "Content-Type": answer.headers.get("content-type", "text/plain")})


def _error(status: int, kind: str, code: str, message: str) -> Response:
    error = {"type": kind, "code": code, "message": message}
    return JSONResponse({"error": error}, status, _FOR_EACH_PAGE)


def start_server(port: int) -> "subprocess.Popen[bytes]":
    """localstripe, as a process of its own, once it listens. Raises TimeoutError."""
    command = [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"]
    process = subprocess.Popen(ending_with_parent(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                process.kill()
                raise TimeoutError("localstripe does not start") from None
            time.sleep(0.05)
        else:
            return process


def register_webhooks(server: str, proxy: str) -> None:
    """Has localstripe tell the application in front of it."""
    told = {"url": f"{proxy}/webhooks", "secret": WEBHOOK_SECRET}
    httpx.post(f"{server}/_config/webhooks/seatledger", json=told, timeout=SECONDS).raise_for_status()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m devstack.local_stripe", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="where it listens, on this machine")
    parser.add_argument("--server-port", type=int, required=True, help="where localstripe does")
    parser.add_argument("--webhook-url", required=True, help="whom it tells what was paid")
    arguments = parser.parse_args()
    server = f"http://127.0.0.1:{arguments.server_port}"
    process = start_server(arguments.server_port)
    try:
        register_webhooks(server, f"http://127.0.0.1:{arguments.port}")  # which will listen before anything is paid
        app = LocalStripe(server, arguments.webhook_url).app
        uvicorn.run(app, host="127.0.0.1", port=arguments.port, log_level="warning")
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
