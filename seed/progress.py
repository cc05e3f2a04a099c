"""How much of the demo a ledger contains: nothing, a part because loading was interrupted, all of it, or something else."""

from datetime import datetime, timedelta
from typing import Any

import psycopg

from ledger.entries import Entry, EventScheduled
from ledger.mapper import UnknownTopic, decode
from seed.demo import DEMO_EVENTS, Step, command_id, event_id, scenario

_ENTRIES = "SELECT originator_id, topic, state FROM ledger_entries ORDER BY notification_id LIMIT %s"


class DemoNotLoadable(ValueError):
    """The demo can't be loaded into this ledger, or is in it already. The message is one sentence for the terminal."""


def find_progress(database_url: str, now: datetime) -> tuple[datetime, int]:
    """The time that the scenario is relative to, and how many of its steps are in the ledger.

    After an interrupted load, that is the hour of the first attempt: another hour would make other commands with the same ids. Each
    step makes one entry, so the ledger must hold the first steps of the scenario and nothing else. Raises DemoNotLoadable where it
    holds all of them, or anything else."""
    today = now.replace(minute=0, second=0, microsecond=0)
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(_ENTRIES, (len(scenario(today)),), binary=True).fetchall()
    if not rows:
        return today, 0
    entries = [(stream, _decoded(topic, state)) for stream, topic, state in rows]
    first = entries[0][1]
    if isinstance(first, EventScheduled):
        today = first.at + timedelta(days=DEMO_EVENTS[0].scheduled_days_ago)
    steps_done = [_stream_and_command(step) for step in scenario(today)]
    if [(stream, entry and entry.command) for stream, entry in entries] != steps_done[: len(entries)]:
        raise DemoNotLoadable("The ledger is not empty: demo data is loaded into an empty one only.")
    if len(entries) == len(steps_done):
        raise DemoNotLoadable("The demo data is in the ledger already.")
    return today, len(entries)


def _decoded(topic: str, state: bytes) -> Entry | None:
    try:
        return decode(topic, state)
    except UnknownTopic:  # not an entry of the demo
        return None


def _stream_and_command(step: Step) -> tuple[Any, Any]:
    return event_id(step.event), command_id(step)
