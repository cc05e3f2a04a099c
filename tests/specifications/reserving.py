"""Specification 5's two tables of paths, and its users."""

from dataclasses import dataclass
from uuid import uuid4

from tests.running_system import JSON, PASSWORD, Stack
from tests.specifications.client import Client

EVENT: JSON = {
    "title": "Meetup", "description": "d", "start_time": "2031-05-01T19:00:00Z", "end_time": "2031-05-01T21:00:00Z", "capacity": 3,
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    name: str
    signup: str
    login: str
    events: str
    reservations: str
    of_event: str

    def event(self, number: object) -> str:
        return f"{self.events}{number}/"

    def reservations_of(self, number: object) -> str:
        return f"{self.event(number)}{self.of_event}/"

    def reservation(self, number: object) -> str:
        return f"{self.reservations}{number}/"


TABLES = (
    Table("section 2", "/api/signup/", "/api/login/", "/api/events/", "/api/reservations/", "reservations"),
    Table(
        "section 5", "/api/authentication/signup/", "/api/authentication/login/", "/api/event/events/",
        "/api/reservation/reservations/", "total-reservations",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class User:
    id: int
    username: str
    email: str
    token: str
    client: Client


def sign_up(stack: Stack) -> User:
    anyone, name = Client(stack, "event-reservations"), uuid4().hex[:12]
    email = f"{name}@example.test"
    made, token = stack.people.guest("event-reservations", name, email, PASSWORD)
    return User(made.number, name, email, token, anyone.with_headers(Authorization=f"Token {token}"))
