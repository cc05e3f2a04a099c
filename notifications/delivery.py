"""The delivery of what is due in the outbox: at least once each, under its id, in order for one recipient and event. PROMPT
messages, for which somebody waits, go before those TO_MANY.

A row is taken by moving its `due_at` by LEASE: if the process dies, another one takes it then. A try that failed moves it by a
growing pause; after GIVES_UP, or if the server says that it never will, the row is settled as failed.
"""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import InterfaceError, OperationalError

from ledger import outbox
from ledger.keys import KeysError
from ledger.mail_choices import BOUNCED
from ledger.mail_tokens import PURPOSES
from notifications import reminders
from notifications.mail.facts import Facts, NobodyToTell, NotYetKnown, Recipient, Subject
from notifications.mail.letters import Mail
from notifications.mail.message import Refused
from notifications.mail.rendering import render
from notifications.mail.smtp import Bounced, Deferred, ServerUnavailable

log = logging.getLogger(__name__)

BATCH_SIZE = 20
BATCH_SECONDS = 5.0
LEASE = timedelta(minutes=3)
#: The pauses after each try that failed; the last one stays.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 900, 3_600, 10_800))
#: How long a message is tried.
GIVES_UP = timedelta(days=3)
#: The pause after the server could not be reached, which is no try of any message.
SERVER_PAUSE = timedelta(seconds=15)
#: Mails that one address gets in a clock hour, over all accounts and contacts that have it; further ones wait. Nobody has shown yet
#: that an unproven address is theirs: it may be a stranger's.
MAILS_AN_HOUR, UNPROVEN_MAILS_AN_HOUR = 60, 10
CROWDED_PAUSE = timedelta(minutes=15)
#: Somebody waits for these; who asks for them is limited.
UNCOUNTED = [*PURPOSES, outbox.CONTACT_CODE]
#: Also where mails come back: about an account, or asked for; each may show that the address works again.
ALWAYS_TRIED = frozenset((*UNCOUNTED, *outbox.NOTICES))
BOUNCING = "Mails to this address come back: none is sent until it is changed, or confirmed again."
#: How long settled rows are kept: to look them up, and so that none is written twice.
KEPT = timedelta(days=90)
CLEANING_BATCH = 5_000

_TAKE = text("""
    UPDATE outbox SET tries = tries + 1, due_at = now() + :lease WHERE id IN (
        SELECT id FROM outbox AS one WHERE state = 'due' AND channel = :channel AND due_at <= now() AND NOT EXISTS (
            SELECT FROM outbox AS earlier WHERE earlier.state = 'due' AND earlier.recipient_id = one.recipient_id
                AND earlier.event_id = one.event_id AND earlier.number < one.number)
        ORDER BY priority, due_at, number LIMIT :count FOR UPDATE SKIP LOCKED)
    RETURNING priority, number, id, kind, recipient_id, event_id, booking_id, details, tries,
        created_at < now() - :gives_up AS old""")
#: Also counts the mail, if an address got one. A server that crashes forgets the last half second, and those mails are sent again
#: under their ids: to wait for the disk after each mail would halve their rate.
_SETTLE = text("""
    WITH settled AS (
        UPDATE outbox SET state = :state, settled_at = now(), error = :error WHERE id = :id AND state = 'due'
    ), soon AS (SELECT set_config('synchronous_commit', 'off', true))
    INSERT INTO mail_counts (address, hour, count)
    SELECT :address, date_trunc('hour', now()), 1 FROM soon WHERE CAST(:address AS bytea) IS NOT NULL
    ON CONFLICT (address, hour) DO UPDATE SET count = mail_counts.count + 1""")
_DEFER = text("UPDATE outbox SET due_at = now() + :pause, error = :error WHERE id = :id AND state = 'due'")
_GIVE_BACK = text("""
    UPDATE outbox SET tries = tries - 1, due_at = now() + :pause, error = coalesce(:error, error)
    WHERE id = ANY(:ids) AND state = 'due'""")
_COUNTED = text("SELECT coalesce(sum(count), 0) FROM mail_counts WHERE address = :address AND hour > now() - interval '1 hour'")
#: All of the recipient that are due, at once. The one that was taken was not tried.
_CROWD = text("""
    UPDATE outbox SET due_at = now() + :pause, error = :error, tries = tries - CASE id WHEN :id THEN 1 ELSE 0 END
    WHERE state = 'due' AND recipient_id = :recipient_id AND (due_at <= now() OR id = :id) AND kind <> ALL(:exempt)""")
_CLEAN_COUNTS = text("DELETE FROM mail_counts WHERE hour < now() - interval '1 day'")
#: They are listed as long as their messages are kept.
_CLEAN_ANNOUNCEMENTS = text("DELETE FROM announcements WHERE created_at < now() - :kept")
_CLEAN = text("""
    DELETE FROM outbox WHERE id IN (
        SELECT id FROM outbox WHERE settled_at < now() - CASE recipient_id WHEN :nobody THEN interval '1 hour' ELSE :kept END
        LIMIT :count)""")


class Transport(Protocol):
    def send(self, id_: UUID, recipient: Recipient, mail: Mail) -> None:
        """Raises ServerUnavailable, Deferred, Refused."""


class _Taken(NamedTuple):
    number: int
    id: UUID
    subject: Subject
    tries: int
    is_old: bool


def deliver(
    engine: Engine,
    facts: Facts,
    transport: Transport,
    *,
    per_second: float,
    count: Callable[[str], None] = lambda outcome: None,
    batch_size: int = BATCH_SIZE,
) -> int:
    """Delivers the next messages that are due, at most `per_second`. Returns how many were taken; 0: none is due. `count` is called
    with what became of each try. Raises ServerUnavailable, after giving back what it could not try."""
    with engine.begin() as connection:
        taken = _take(connection, batch_size)
    began = time.monotonic()
    for index, one in enumerate(taken):
        time.sleep(max(0.0, began + index / per_second - time.monotonic()))
        if time.monotonic() - began > BATCH_SECONDS:  # a slow server, or long mails: what is more urgent by now goes first
            _give_back(engine, taken[index:], timedelta())
            break
        try:
            count(_deliver(engine, facts, transport, one))
        except ServerUnavailable as error:
            _give_back(engine, taken[index:], SERVER_PAUSE, str(error))
            raise
        except BaseException:
            _give_back(engine, taken[index + 1 :], timedelta())
            raise
    return len(taken)


def clean(engine: Engine) -> None:
    """Deletes rows that were settled long ago, some at a time."""
    with engine.begin() as connection:
        connection.execute(_CLEAN_COUNTS)
        connection.execute(_CLEAN_ANNOUNCEMENTS, {"kept": KEPT})
        reminders.clean(connection)
        connection.execute(_CLEAN, {"kept": KEPT, "nobody": outbox.NOBODY, "count": CLEANING_BATCH})


def _take(connection: Connection, count: int) -> list[_Taken]:
    parameters = {"channel": outbox.MAIL, "lease": LEASE, "gives_up": GIVES_UP, "count": count}
    rows = connection.execute(_TAKE, parameters).all()
    return [
        _Taken(
            row.number, row.id, Subject(row.kind, row.recipient_id, row.event_id, row.booking_id, row.details), row.tries, row.old
        )
        for row in sorted(rows)
    ]


def _deliver(engine: Engine, facts: Facts, transport: Transport, one: _Taken) -> str:
    """Returns what became of it."""
    try:
        with _autocommit(engine).connect() as connection:
            addressed = facts.letter(connection, one.subject)
            digest = None if one.subject.kind in UNCOUNTED else facts.digest_of(addressed.recipient)
            if digest and connection.scalar(_COUNTED, {"address": digest}) >= _limit(addressed.recipient):
                return _crowd(engine, one)
        _check_bounces(addressed.recipient, one.subject.kind)
        transport.send(one.id, addressed.recipient, render(addressed.letter))
    except NobodyToTell as error:
        return _settle(engine, one, outbox.SKIPPED, str(error))
    except Refused as error:
        if isinstance(error, Bounced):
            _note_bounce(engine, addressed.recipient, str(error))
        log.warning("Message %s is refused for good", one.id)
        return _settle(engine, one, outbox.FAILED, str(error))
    except (Deferred, NotYetKnown, KeysError) as error:
        return _defer(engine, one, str(error))
    except (ServerUnavailable, OperationalError, InterfaceError):
        raise
    except Exception as error:  # a fault of ours: the others are sent, and it is tried again after an upgrade
        log.exception("Message %s can't be made", one.id)
        return _defer(engine, one, type(error).__name__)
    return _settle(engine, one, outbox.SENT, address=digest)


def _check_bounces(recipient: Recipient, kind: str) -> None:
    """Raises Refused."""
    if recipient.is_bouncing and kind not in ALWAYS_TRIED:
        raise Refused(BOUNCING)


def _note_bounce(engine: Engine, recipient: Recipient, reply: str) -> None:
    log.warning("Mails to a recipient come back: no more are sent there")
    with engine.begin() as connection:
        connection.exec_driver_sql(BOUNCED, {"id": recipient.id, "address": recipient.address, "reply": reply})


def _limit(recipient: Recipient) -> int:
    return MAILS_AN_HOUR if recipient.is_proven else UNPROVEN_MAILS_AN_HOUR


def _settle(engine: Engine, one: _Taken, state: str, error: str | None = None, *, address: bytes | None = None) -> str:
    """`address`: the digest of that which got the mail."""
    with _autocommit(engine).connect() as connection:
        connection.execute(_SETTLE, {"id": one.id, "state": state, "error": error, "address": address})
    return state


@lru_cache(maxsize=1)  # to make one takes a millisecond
def _autocommit(engine: Engine) -> Engine:
    """For single statements: without round trips to begin and end a transaction."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def _crowd(engine: Engine, one: _Taken) -> str:
    """The address has got enough for now: what is due for this recipient waits, and delays nobody else's."""
    values = {
        "id": one.id, "recipient_id": one.subject.recipient_id, "pause": CROWDED_PAUSE, "exempt": UNCOUNTED,
        "error": "The address has got many mails within an hour: this one waits.",
    }  # fmt: skip
    with engine.begin() as connection:
        connection.execute(_CROWD, values)
    return "crowded"


def _defer(engine: Engine, one: _Taken, error: str) -> str:
    if one.is_old:
        log.error("Message %s is given up after %s tries", one.id, one.tries)
        return _settle(engine, one, outbox.FAILED, error)
    pause = PAUSES[min(one.tries, len(PAUSES)) - 1]
    with engine.begin() as connection:
        connection.execute(_DEFER, {"id": one.id, "pause": pause, "error": error})
    return "deferred"


def _give_back(engine: Engine, rest: list[_Taken], pause: timedelta, error: str | None = None) -> None:
    """What was taken and not tried. What is too old for another try is settled."""
    for one in [one for one in rest if one.is_old]:
        _settle(engine, one, outbox.FAILED, error or "There was no time left to send it.")
    values: Mapping[str, Any] = {"ids": [one.id for one in rest if not one.is_old], "pause": pause, "error": error}
    with engine.begin() as connection:
        connection.execute(_GIVE_BACK, values)
