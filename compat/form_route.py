"""A route class that accepts HTML forms for JSON bodies."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from fastapi import Request, Response
from fastapi.routing import APIRoute

from compat.application import SpecificationError

FORM = "application/x-www-form-urlencoded"
MAX_FORM_FIELDS = 20


class FormRoute(APIRoute):
    """Also accepts a form, which it converts to a JSON object of strings. Fields without a value are omitted."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_form(request: Request) -> Response:
            if not request.headers.get("content-type", "").lower().startswith(FORM):
                return await handle(request)
            try:
                fields = dict(parse_qsl((await request.body()).decode(), max_num_fields=MAX_FORM_FIELDS))
            except ValueError:
                raise SpecificationError(400, "The body is not a valid form.") from None
            others = [pair for pair in request.scope["headers"] if pair[0] != b"content-type"]
            as_json = Request({**request.scope, "headers": [*others, (b"content-type", b"application/json")]}, request.receive)
            as_json._body = msgspec.json.encode(fields)  # where Request stores the body that it has read
            return await handle(as_json)

        return handle_form


#: For the OpenAPI document: the body may also be a form.
FORM_BODY = {"requestBody": {"content": {FORM: {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}}}}
