"""What tests of the organizer's pages begin with."""

from typing import Any

from playwright.sync_api import Page

from tests.running_system import Person, Stack


def organised(stack: Stack, organizer: Person, name: str, **more: Any) -> Any:
    return stack.event(organizer, name=name, **more)


def see(page: Page, who: Person, path: str) -> Any:
    """What the API answers `who` once it shows what was last done on this page."""
    who.last = page.evaluate("sessionStorage.getItem('seatledger.position')")
    return who.see(path)
