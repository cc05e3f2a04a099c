"""What a ledger has of the demo: nothing, a part of its story because loading broke off, all of it, or something else."""

from datetime import datetime, timedelta
from typing import Any

import psycopg

from ledger.entries import Entry, EventScheduled
from ledger.mapper import UnknownTopic, decode
from seed.demo import SHOWS, Step, command_id, event_id, story

_ENTRIES = "SELECT originator_id, topic, state FROM ledger_entries ORDER BY notification_id LIMIT %s"


class NotDue(ValueError):
    """The demo can't be loaded into this ledger, or need not be: one sentence, for the terminal."""


def beginning(database_url: str, now: datetime) -> tuple[datetime, int]:
    """The hour that the story counts from, and how many of its steps are in the ledger.

    Where loading broke off, that is the hour of the first time: another would make other commands of the same ids. Raises NotDue
    where the ledger holds all of it, or anything else: each step makes one entry, so what is there must be how the story begins."""
    today = now.replace(minute=0, second=0, microsecond=0)
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(_ENTRIES, (len(story(today)),), binary=True).fetchall()
    if not rows:
        return today, 0
    entries = [(stream, _decoded(topic, state)) for stream, topic, state in rows]
    first = entries[0][1]
    if isinstance(first, EventScheduled):
        today = first.at + timedelta(days=SHOWS[0].scheduled_days_ago)
    told = [_names(step) for step in story(today)]
    if [(stream, entry and entry.command) for stream, entry in entries] != told[: len(entries)]:
        raise NotDue("The ledger is not empty: demo data is loaded into an empty one only.")
    if len(entries) == len(told):
        raise NotDue("The demo data is in the ledger already.")
    return today, len(entries)


def _decoded(topic: str, state: bytes) -> Entry | None:
    try:
        return decode(topic, state)
    except UnknownTopic:  # whoever wrote it, the demo did not
        return None


def _names(step: Step) -> tuple[Any, Any]:
    return event_id(step.show), command_id(step)
