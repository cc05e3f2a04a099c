"""Seats left, as they change: the API's server-sent events as an iterator."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

import urllib3

from event_sdk.api.live_api import LiveApi
from event_sdk.api_client import ApiClient
from event_sdk.exceptions import ApiException, ServiceException
from event_sdk_extras.client import AGAIN

#: The server says something at least every 15 s: one that is silent for so long is gone.
SILENCE_SECONDS = 40.0
PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Availability:
    """Seats left of an event, in all and by category, as of a position of the ledger."""

    event_id: UUID
    available: int
    categories: dict[str, int]
    position: int


def availability(client: ApiClient, *event_ids: UUID) -> Iterator[Availability]:
    """What is left of these events (none: of all), now and whenever it changes, for ever. Comes back by itself after a break,
    without a gap. Raises ApiException where the server refuses."""
    last: str | None = None
    while True:
        try:
            for name, id_, data in _events(client, event_ids, last):
                last = id_ or last
                if name == "availability":
                    yield _availability(data)
        except (urllib3.exceptions.HTTPError, ServiceException):
            pass  # broken off, or not there at the moment
        time.sleep(PAUSE_SECONDS)


def _events(client: ApiClient, event_ids: Iterable[UUID], last: str | None) -> Iterator[tuple[str, str, str]]:
    """Name, id and data of each event of one stream."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
    answer = LiveApi(client).get_live_without_preload_content(
        event_id=list(event_ids) or None, _headers=headers, _request_timeout=SILENCE_SECONDS
    )
    try:
        if answer.status != 200:
            kind = ServiceException if answer.status in AGAIN or answer.status >= 500 else ApiException
            raise kind(status=answer.status, reason=answer.reason, body=answer.read().decode())
        fields = {"event": "", "id": "", "data": ""}
        for line in _lines(answer):
            name, _, value = line.partition(":")
            if not line:
                if fields["data"]:
                    yield fields["event"], fields["id"], fields["data"]
                fields = {"event": "", "id": "", "data": ""}
            elif name in fields:
                fields[name] = value.removeprefix(" ")
    finally:
        answer.close()


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[str]:
    rest = b""
    while piece := answer.read1():
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line.decode().rstrip("\r") for line in whole)


def _availability(data: str) -> Availability:
    said = json.loads(data)
    categories = {one["name"]: one["available"] for one in said["categories"]}
    return Availability(UUID(said["event_id"]), said["available"], categories, said["position"])
