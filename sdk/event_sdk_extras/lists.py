"""Complete lists, fetched page by page."""

from collections.abc import Callable, Iterator
from typing import Any


def every(list_operation: Callable[..., Any], **parameters: Any) -> Iterator[Any]:
    """Yields each item of a list, over all pages: `every(EventsApi(client).get_events, q="concert")`."""
    cursor = None
    while True:
        page = list_operation(**parameters, cursor=cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return
