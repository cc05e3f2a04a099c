"""Numbers of a JSON body as they are written: as floats, 1e-400 would be 0, and a price would be free."""

import json
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute


class _ExactRequest(Request):
    async def json(self) -> Any:
        return json.loads(await self.body(), parse_float=Decimal)


class ExactNumbersRoute(APIRoute):
    """Reads numbers with a fraction or an exponent as Decimal."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_exactly(request: Request) -> Response:
            return await handle(_ExactRequest(request.scope, request.receive))

        return handle_exactly
