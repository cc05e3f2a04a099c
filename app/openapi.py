"""The OpenAPI document as it is served: schema names for generated clients, problems as error responses, and the session cookie.

The application calls a response `EventView`, because it has an `Event` too; the document calls it `Event`.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import FastAPI

from accounts.access import BY_LINK, CSRF_COOKIE, FOR_GUESTS, SESSION_COOKIE
from app import problems
from commands.order_bodies import order_schemas
from compat.documentation import document_of

JSON = dict[str, Any]

_SUFFIX = re.compile(r"(?<=[a-z])View$")
_SCHEMAS = "#/components/schemas/"


_PROBLEM: JSON = {
    "title": "Problem",
    "description": "RFC 9457. What a program needs stands beside it: `available`, `limit`, `errors`, …",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Address of a page that explains it", "examples": ["/problems/sold-out"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string", "description": "Names the request in the log, as the header `X-Request-Id` does"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemError"}},
        "available": {"type": "integer", "description": "Seats left: `sold-out`, `hold-gone`"},
        "total_amount": {"type": "string", "description": "What the tickets cost now: `price-changed`"},
        "limit": {"type": "integer", "description": "Tickets: `customer-limit`, `booking-too-large`; holds: `too-many-holds`"},
        "held": {"type": "integer", "description": "Tickets: `customer-limit`; seats that may come back: `sold-out`, `hold-gone`"},
        "reason": {"type": "string", "description": "`event-not-bookable`"},
        "left": {"type": "integer", "description": "Tickets that the promo code is good for: `code-spent`"},
        "category": {"type": "string", "description": "Its name: `sold-out`, `hold-gone`, `code-required`"},
        "categories": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Names of those that the promo code is for: `code-not-for-category`",
        },
        "outcome": {"type": "string", "description": "`confirmed`, `released` or `lapsed`: `hold-closed`"},
    },
    "additionalProperties": True,
}
_PROBLEM_ERROR: JSON = {
    "title": "ProblemError",
    "description": "What is wrong, and where: `categories.0.price`",
    "type": "object",
    "required": ["path", "message"],
    "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
}


def install(app: FastAPI) -> None:
    app.openapi = partial(_document, app)  # type: ignore[method-assign]


def _document(app: FastAPI) -> JSON:
    if app.openapi_schema is None:
        content = {problems.MEDIA_TYPE: {"schema": {"$ref": f"{_SCHEMAS}Problem"}}}
        error = {"description": "A problem", "content": content}
        document = document_of(app, {"4XX": error, "5XX": error})
        schemas = document["components"]["schemas"]
        schemas |= order_schemas() | {"Problem": _PROBLEM, "ProblemError": _PROBLEM_ERROR}
        add_cookie(document)
        document["components"]["schemas"] = {_public_name(name): schema for name, schema in sorted(schemas.items())}
        app.openapi_schema = _map_objects(document, _finish_object)
    return app.openapi_schema


def _public_name(schema: str) -> str:
    return _SUFFIX.sub("", schema)


def _finish_object(node: JSON) -> JSON:
    reference = node.get("$ref", "")
    if reference.startswith(_SCHEMAS):
        node["$ref"] = _SCHEMAS + _public_name(reference.removeprefix(_SCHEMAS))
    if "in" in node and "schema" in node:
        node["schema"] = _parameter_schema(node["schema"])
    if node.get("type") == "object" and "title" in node:
        node["title"] = _public_name(node["title"])
    return node


def _parameter_schema(schema: JSON) -> JSON:
    """A parameter is omitted, never null; and a `$ref` stands alone, because the generator makes no type for one with other keys
    beside it."""
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        schema = {name: value for name, value in schema.items() if name != "anyOf"} | options[0]
    return {"$ref": schema["$ref"]} if "$ref" in schema else schema


def _map_objects(node: Any, change: Callable[[JSON], JSON]) -> Any:
    if isinstance(node, dict):
        return change({name: _map_objects(value, change) for name, value in node.items()})
    return [_map_objects(item, change) for item in node] if isinstance(node, list) else node


def add_cookie(document: JSON) -> None:
    """Declares the session cookie as the alternative to the token. Routes of `Anyone` (no roles) and those that guests
    may use need neither.

    Declared here, because a dependency would cost time on each request."""
    schemes: JSON = document["components"]["securitySchemes"]
    schemes["cookie"] = {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": f"What `POST /api/login` sets in browsers. Requests that change something also send the value of the cookie"
        f" `{CSRF_COOKIE}` as header `X-CSRF-Token`.",
    }
    for path in document["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and (security := operation.get("security")):
                roles = security[0].get("bearer", [])
                is_for_anybody = operation.pop(FOR_GUESTS, False) or not roles
                by_link: list[JSON] = [{"manage_link": []}] if operation.pop(BY_LINK, False) else []
                operation["security"] = [{"bearer": roles}, {"cookie": roles}, *by_link, *([{}] if is_for_anybody else [])]
