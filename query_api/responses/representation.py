"""Public responses: the same bytes for everybody, so that clients and shared caches may keep them for a moment and ask whether they
have changed (RFC 9110, 9111, 5861)."""

import gzip
from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

from fastapi import Request, Response

from accounts.access import SESSION_COOKIE

#: A body of less is not compressed: it fits into one packet as it is.
MIN_COMPRESSED_BYTES = 1_000
#: The fastest: bodies with seats change all the time.
_LEVEL = 1
#: A cache may serve it for a second, and for ten more while it asks for a new one.
PUBLIC, PRIVATE = b"public, max-age=1, stale-while-revalidate=10", b"no-store"
#: A cache must not answer a request for a position with what it has kept. The body never depends on who asks.
_VARY = b"Accept, Accept-Encoding, Ledger-Position"
_SESSION = SESSION_COOKIE.encode()

Headers = list[tuple[bytes, bytes]]


class Representation:
    """A body with its strong ETag, `"prefix` + a hash of the body`"`. It is compressed when that is first asked for."""

    __slots__ = ("_compressed", "body", "etag", "media_type")

    def __init__(self, body: bytes, prefix: str = "", media_type: bytes = b"application/json") -> None:
        self.body, self.media_type = body, media_type
        self.etag = f'"{prefix}{blake2b(body, digest_size=8).hexdigest()}"'.encode()
        self._compressed = b""

    @property
    def compressed(self) -> bytes:
        self._compressed = self._compressed or gzip.compress(self.body, _LEVEL, mtime=0)
        return self._compressed


class PublicResponse(NamedTuple):
    """Its headers are complete but for `Content-Length`."""

    status: int
    headers: Headers
    body: bytes


def is_public(given: Mapping[bytes, bytes]) -> bool:
    """Whether the response to a request with these headers may be kept: it names neither an account nor a position."""
    return b"authorization" not in given and b"ledger-position" not in given and _SESSION not in given.get(b"cookie", b"")


def respond(made: Representation, position: int | None, request: Request) -> Response:
    """As `public_response`, through the framework."""
    status, headers, body = public_response(made, position, dict(reversed(request.headers.raw)))
    response = Response(body, status)
    response.raw_headers += headers
    return response


def public_response(made: Representation, position: int | None, given: Mapping[bytes, bytes]) -> PublicResponse:
    """The response to a request with these headers: compressed if it accepts that; 304 without a body if it has the same one.
    `position`: of the ledger, if it shows what is in it."""
    is_compressed = len(made.body) >= MIN_COMPRESSED_BYTES and _accepts_gzip(given.get(b"accept-encoding", b""))
    headers = [
        *(() if position is None else ((b"ledger-position", b"%d" % position),)),
        (b"etag", made.etag[:-1] + b'-gz"' if is_compressed else made.etag),
        (b"cache-control", PUBLIC if is_public(given) else PRIVATE),
        (b"vary", _VARY),
    ]
    if b"if-none-match" in given and _names(given[b"if-none-match"], made.etag):
        return PublicResponse(304, headers, b"")
    headers.append((b"content-type", made.media_type))
    if is_compressed:
        headers.append((b"content-encoding", b"gzip"))
        return PublicResponse(200, headers, made.compressed)
    return PublicResponse(200, headers, made.body)


def _names(if_none_match: bytes, etag: bytes) -> bool:
    """Compares weakly, and whether compressed or not: the body that the client has is the same."""
    return any(
        tag == b"*" or tag.removeprefix(b"W/").replace(b'-gz"', b'"') == etag for tag in map(bytes.strip, if_none_match.split(b","))
    )


def _accepts_gzip(accept_encoding: bytes) -> bool:
    for offered in accept_encoding.lower().split(b","):
        coding, _, quality = offered.partition(b";")
        if coding.strip() == b"gzip":
            return quality.strip() not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
    return False
