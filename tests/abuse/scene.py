"""The users and resources that recipes of problems work with."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.abuse.operations import Target
from tests.running_system import Person, Stack


@dataclass
class Scene:
    """The users and resources of a recipe. `target` is the organizer's event, for which Alice booked two tickets."""

    stack: Stack
    target: Target
    organizer: Person
    alice: Person
    strict_url: str

    def event(self, **more: Any) -> str:
        return f"/api/events/{self.stack.event(self.organizer, **more)['id']}"

    @property
    def path(self) -> str:
        return f"/api/events/{self.target.event['id']}"

    @property
    def booking(self) -> str:
        return f"/api/bookings/{self.target.booking['id']}"

    def code(self, number: int = 0) -> dict[str, str]:
        return {"code": self.target.booking["tickets"][number]["code"]}

    def edit(self, *categories: dict[str, Any]) -> httpx.Response:
        return self.organizer.do("PATCH", self.path, {"categories": categories}, If_Match='"1"')
