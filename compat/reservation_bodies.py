"""Bodies of requests and responses of specification 5, event reservations."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from accounts.routes import AnyPassword
from commands.bodies import Capacity
from compat.application import AnyLines, Omittable
from ledger.field_types import Email, EventTime, Name, Text


class SignUp(BaseModel):
    username: Annotated[str, Text(150)]
    email: Omittable[Email] = None
    password: AnyPassword


class LogIn(BaseModel):
    """By `username`; without one, by `email`."""

    username: Omittable[Annotated[str, Text(150)]] = None
    email: Omittable[Email] = None
    password: AnyPassword


class User(BaseModel):
    id: int
    username: str
    email: str


class Token(BaseModel):
    token: str


class NewEvent(BaseModel):
    title: Name
    description: AnyLines = ""
    start_time: EventTime
    end_time: EventTime
    show_time: Annotated[Omittable[EventTime], Field(description="Default: the start time")] = None
    capacity: Capacity


class EventChanges(BaseModel):
    title: Omittable[Name] = None
    description: Omittable[AnyLines] = None
    start_time: Omittable[EventTime] = None
    end_time: Omittable[EventTime] = None
    show_time: Omittable[EventTime] = None
    capacity: Omittable[Capacity] = None


class Event(BaseModel):
    """`show_time` is in the specification's diagram, but not in its list of fields. By default it is the start time."""

    id: int
    title: str
    description: str
    start_time: datetime
    end_time: datetime | None
    show_time: datetime
    capacity: int
    seats_remaining: int
    organizer: int
    organizer_id: int


class NewReservation(BaseModel):
    event: int


class Reservation(BaseModel):
    """`user_id` and `event_id` repeat `user` and `event`, which are their names in the specification's diagram."""

    id: int
    user: int
    event: int
    user_id: int
    event_id: int
    created_at: datetime
