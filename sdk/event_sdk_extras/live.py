"""Live availability: the API's server-sent events as an iterator."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

import urllib3

from event_sdk.api.live_api import LiveApi
from event_sdk.api_client import ApiClient
from event_sdk.exceptions import ApiException, ServiceException
from event_sdk_extras.client import RETRY_STATUSES

#: The server sends something at least every 15 s. After this silence the connection counts as broken.
SILENCE_SECONDS = 40.0
PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Availability:
    """The seats left of an event, in total, by name of the category and by name of the pool, as of a ledger position."""

    event_id: UUID
    available: int
    categories: dict[str, int]
    pools: dict[str, int]
    position: int


def availability(client: ApiClient, *event_ids: UUID) -> Iterator[Availability]:
    """Yields the availability of these events (none given: of all), now and after each change, without end. Reconnects after a
    broken connection without missing a change. Raises ApiException if the server refuses the request."""
    last: str | None = None
    while True:
        try:
            for name, id_, data in _events(client, event_ids, last):
                last = id_ or last
                if name == "availability":
                    yield _availability(data)
        except (urllib3.exceptions.HTTPError, ServiceException):
            pass  # the connection broke, or the server is unavailable
        time.sleep(PAUSE_SECONDS)


def _events(client: ApiClient, event_ids: Iterable[UUID], last: str | None) -> Iterator[tuple[str, str, str]]:
    """Yields name, id and data of each server-sent event of one connection."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
    response = LiveApi(client).get_live_without_preload_content(
        event_id=list(event_ids) or None, _headers=headers, _request_timeout=SILENCE_SECONDS
    )
    try:
        if response.status != 200:
            kind = ServiceException if response.status in RETRY_STATUSES or response.status >= 500 else ApiException
            raise kind(status=response.status, reason=response.reason, body=response.read().decode())
        fields = {"event": "", "id": "", "data": ""}
        for line in _lines(response):
            name, _, value = line.partition(":")
            if not line:
                if fields["data"]:
                    yield fields["event"], fields["id"], fields["data"]
                fields = {"event": "", "id": "", "data": ""}
            elif name in fields:
                fields[name] = value.removeprefix(" ")
    finally:
        response.close()


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[str]:
    rest = b""
    while piece := response.read1():
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line.decode().rstrip("\r") for line in lines)


def _availability(data: str) -> Availability:
    content = json.loads(data)
    categories, pools = ({one["name"]: one["available"] for one in content[name]} for name in ("categories", "pools"))
    return Availability(UUID(content["event_id"]), content["available"], categories, pools, content["position"])
