"""Lists page by page, as if they were whole."""

from collections.abc import Callable, Iterator
from typing import Any


def every(list_operation: Callable[..., Any], **asked: Any) -> Iterator[Any]:
    """Each item of a list, however many pages it has: `every(EventsApi(client).get_events, q="concert")`."""
    cursor = None
    while True:
        page = list_operation(**asked, cursor=cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return
