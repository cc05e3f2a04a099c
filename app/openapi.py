"""The OpenAPI document as it is served: names that read well in a generated client, and problems where refusals are.

What the application calls `EventView`, since it has an `Event` too, is an `Event` to everybody else.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from accounts.access import document_cookie
from app import problems
from commands.bodies import booking_schemas

JSON = dict[str, Any]

_SUFFIX = re.compile(r"(?<=[a-z])(View|Out)$")
_SCHEMAS = "#/components/schemas/"


def install(app: FastAPI) -> None:
    app.openapi = partial(_document, app)  # type: ignore[method-assign]


def _document(app: FastAPI) -> JSON:
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, servers=app.servers
        )
        document["components"]["schemas"] |= booking_schemas()
        document_cookie(document)
        problems.document(document)
        schemas = document["components"]["schemas"]
        document["components"]["schemas"] = {_named(name): schema for name, schema in sorted(schemas.items())}
        app.openapi_schema = _walk(document, _renamed)
    return app.openapi_schema


def _named(schema: str) -> str:
    return _SUFFIX.sub("", schema)


def _renamed(node: JSON) -> JSON:
    reference = node.get("$ref", "")
    if reference.startswith(_SCHEMAS):
        node["$ref"] = _SCHEMAS + _named(reference.removeprefix(_SCHEMAS))
    if "in" in node and "schema" in node:
        node["schema"] = _of_parameter(node["schema"])
    if node.get("type") == "object" and "title" in node:
        node["title"] = _named(node["title"])
    return node


def _of_parameter(schema: JSON) -> JSON:
    """A parameter is left out, never null; and of a named type with anything beside it a generator makes no type at all."""
    options = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(options) == 1:
        schema = {name: value for name, value in schema.items() if name != "anyOf"} | options[0]
    return {"$ref": schema["$ref"]} if "$ref" in schema else schema


def _walk(node: Any, change: Callable[[JSON], JSON]) -> Any:
    if isinstance(node, dict):
        return change({name: _walk(value, change) for name, value in node.items()})
    return [_walk(one, change) for one in node] if isinstance(node, list) else node
