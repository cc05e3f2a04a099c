"""The routes: each reads parameters, runs a query and returns a response. A module here with a `router` is served."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from fastapi import APIRouter

#: Routes are matched in order: the most frequent requests come first.
_FIRST = ("events", "bookings")


def routers() -> Iterator[APIRouter]:
    names = {module.name for module in iter_modules(__path__)}
    for name in (*_FIRST, *sorted(names.difference(_FIRST))):
        router: APIRouter = import_module(f"{__name__}.{name}").router
        yield router
