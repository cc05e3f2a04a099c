"""Which media type a client prefers, by `Accept`."""

from typing import Annotated

from fastapi import Depends, Request


class Prefers:
    """Whether `Accept` names this media type with a quality that is not lower than JSON's."""

    def __init__(self, media_type: str) -> None:
        self._media_type = media_type

    async def __call__(self, request: Request) -> bool:
        wanted = {self._media_type: 0.0, "application/json": 0.0}
        for accepted in ",".join(request.headers.getlist("accept")).split(","):
            media_type, *parameters = (part.strip().lower() for part in accepted.split(";"))
            if media_type in wanted:
                wanted[media_type] = _quality(parameters)
        return 0 < wanted[self._media_type] >= wanted["application/json"]


def _quality(parameters: list[str]) -> float:
    try:
        return float(next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1"))
    except ValueError:
        return 0.0


PrefersCsv = Annotated[bool, Depends(Prefers("text/csv"))]
