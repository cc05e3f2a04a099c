"""Public responses: what a cache may keep, what is not sent twice, and what is compressed."""

import gzip

import pytest

from query_api.responses.representation import MIN_COMPRESSED_BYTES, Representation, is_public, public_response

SMALL = Representation(b'{"available":3}', "7-")
LARGE = Representation(b"x" * MIN_COMPRESSED_BYTES)


def headers_of(given: dict[bytes, bytes], made: Representation = SMALL) -> dict[bytes, bytes]:
    return dict(public_response(made, 12, given).headers)


def test_etag_is_strong_and_of_the_body() -> None:
    assert SMALL.etag == Representation(SMALL.body, "7-").etag
    assert SMALL.etag != Representation(b'{"available":2}', "7-").etag
    assert SMALL.etag.startswith(b'"7-')


@pytest.mark.parametrize(
    ("given", "public"),
    [
        ({}, True),
        ({b"cookie": b"consent=1; theme=dark"}, True),
        ({b"authorization": b"Bearer x"}, False),
        ({b"cookie": b"theme=dark; seatledger_session=x"}, False),
        ({b"cookie": b"theme=dark; __Host-seatledger_session=x"}, False),
        ({b"ledger-position": b"7"}, False),
    ],
)
def test_response_to_an_account_or_for_a_position_is_not_kept(given: dict[bytes, bytes], public: bool) -> None:
    assert is_public(given) is public
    assert headers_of(given)[b"cache-control"] == (b"public, max-age=1, stale-while-revalidate=10" if public else b"no-store")
    assert headers_of(given)[b"vary"] == b"Accept, Accept-Encoding, Ledger-Position"


@pytest.mark.parametrize("form", [b"%s", b"W/%s", b'"other", %s', b"%s,*", b"*", b'W/"a" , W/%s'])
def test_same_body_is_not_sent_again(form: bytes) -> None:
    tag = form % SMALL.etag if b"%s" in form else form
    status, headers, body = public_response(SMALL, 12, {b"if-none-match": tag})
    assert (status, body) == (304, b"")
    assert {b"etag", b"cache-control", b"vary", b"ledger-position"} == {name for name, _ in headers}


@pytest.mark.parametrize("tag", [b'"7"', b'"7-0"', b"", b"7-x", b'""', b'"' * 5])
def test_other_etag_gets_the_body(tag: bytes) -> None:
    assert public_response(SMALL, 12, {b"if-none-match": tag})[0] == 200


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [(b"gzip", True), (b"br;q=1, GZIP;q=0.5", True), (b"", False), (b"br", False), (b"gzip;q=0", False), (b"identity", False)],
)
def test_compressed_for_those_who_accept_it(accepted: bytes, is_compressed: bool) -> None:
    response = public_response(LARGE, 12, {b"accept-encoding": accepted})
    headers = dict(response.headers)
    assert (headers.get(b"content-encoding") == b"gzip") is is_compressed
    assert (gzip.decompress(response.body) if is_compressed else response.body) == LARGE.body
    assert (headers[b"etag"] != LARGE.etag) is is_compressed, "a strong ETag is of these very bytes"
    again = public_response(LARGE, 12, {b"accept-encoding": accepted, b"if-none-match": headers[b"etag"]})
    assert again.status == 304


def test_small_body_is_not_compressed() -> None:
    assert b"content-encoding" not in headers_of({b"accept-encoding": b"gzip"})
