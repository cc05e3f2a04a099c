"""Responses: JSON or, if `Accept` prefers it, CSV. Each names the ledger position that it shows, and must not be cached.
`representation.py` has those that may be."""

from typing import Annotated, Any

import msgspec
from fastapi import Depends, Response

from ledger.accepted_types import Prefers

_encode = msgspec.json.Encoder().encode
_POSITION = {
    "Ledger-Position": {"description": "The ledger position that this response shows", "schema": {"type": "integer", "minimum": 0}}
}

NDJSON = "application/x-ndjson"

Documented = dict[int | str, dict[str, Any]]
#: What the OpenAPI document says about a response.
JSON: Documented = {200: {"headers": _POSITION}}
_PUBLIC = _POSITION | {"ETag": {"description": "For `If-None-Match`", "schema": {"type": "string"}}}
_TEXT = {"text/plain": {"schema": {"type": "string"}}}
_NOT_MODIFIED: Documented = {304: {"description": "The same as the one that `If-None-Match` names"}}
PUBLIC_JSON: Documented = {200: {"headers": _PUBLIC}, **_NOT_MODIFIED}
PUBLIC_JSON_OR_TEXT: Documented = {200: {"headers": _PUBLIC, "content": _TEXT}, **_NOT_MODIFIED}
JSON_OR_TEXT: Documented = {200: {"headers": _POSITION, "content": _TEXT}}
JSON_OR_CSV: Documented = {200: {"headers": _POSITION, "content": {"text/csv": {"schema": {"type": "string"}}}}}
JSON_OR_NDJSON: Documented = {200: {"headers": _POSITION, "content": {NDJSON: {"schema": {"type": "string"}}}}}


def json_response(view: object, position: int) -> Response:
    return encoded_response(_encode(view), position)


def encoded_response(body: bytes, position: int) -> Response:
    return Response(body, headers=headers_of(position), media_type="application/json")


def headers_of(position: int) -> dict[str, str]:
    return {"Ledger-Position": str(position), "Cache-Control": "no-store"}


PrefersNdjson = Annotated[bool, Depends(Prefers(NDJSON))]
PrefersText = Annotated[bool, Depends(Prefers("text/plain"))]
