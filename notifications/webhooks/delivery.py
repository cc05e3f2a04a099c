"""The delivery of what is due to webhooks: at least once each, under its id.

A process takes a webhook, not a row: one at a time delivers to it, in the order of positions, for TURN_SECONDS. A try that failed
lets the webhook wait, so that a receiver that is away costs one try a pause, however much is due. The delivery that failed is tried
first again; after HOLDS tries the others go on without it.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, func, select, text

from ledger.outbox import FAILED, MAIL, SENT, WEBHOOK_PAUSED
from ledger.sealing import Unsealable
from ledger.webhooks import FAILING
from notifications.delivery import GIVES_UP, PAUSES
from notifications.webhooks import signing
from notifications.webhooks.addresses import UrlRefused, parse
from notifications.webhooks.receiver import SECONDS, Receiver, Undelivered
from notifications.webhooks.secrets import WebhookSecrets

log = logging.getLogger(__name__)

_TOO_MUCH = "too much waits for it"

#: How long a process that died keeps the webhook that it had taken.
LEASE = timedelta(seconds=60)
#: How long one webhook is served before others are.
TURN_SECONDS = 5.0
#: Webhooks of one owner that are served at once, so that slow receivers of one do not hold up those of others.
PARALLEL_OF_OWNER = 2
#: The advisory lock of a process that takes a webhook ("Postmans" in ASCII): two at once would not see what the other takes.
TAKING_LOCK = 0x506F73746D616E73
ROWS = 20
#: The longest pause of a webhook; the last ones of PAUSES are for one delivery alone.
PAUSES_OF_WEBHOOK = PAUSES[:-1]
#: How many tries of one delivery hold up those after it.
HOLDS = 2
#: After a success what had failed is due at once, unless it has failed so often: then it may be its own fault.
HOPELESS = 10
#: A webhook that has failed for so long is paused, and one for which so much waits.
FAILS_FOR = timedelta(days=3)
MOST_WAITING = 50_000
#: How long deliveries are kept, sent or not.
KEPT = timedelta(days=30)
CLEANING_BATCH, CLEANING_ROUNDS = 5_000, 20
USER_AGENT = "Seatledger-Webhooks"

_LOCK = select(func.pg_advisory_xact_lock(TAKING_LOCK))
_TAKE = text("""
    UPDATE webhooks SET taken_until = clock_timestamp() + :lease, served_at = clock_timestamp() WHERE id = (
        SELECT w.id FROM webhooks AS w JOIN accounts AS a ON a.id = w.owner_id
        WHERE w.state = 'active' AND NOT a.disabled AND a.role IN ('organizer', 'admin') AND w.due_at <= now()
            AND (w.taken_until IS NULL OR w.taken_until < now())
            AND (SELECT count(*) FROM webhooks AS t WHERE t.owner_id = w.owner_id AND t.taken_until > now()) < :of_owner
            AND EXISTS (SELECT FROM webhook_deliveries AS d WHERE d.webhook_id = w.id AND d.state = 'due' AND d.due_at <= now())
        ORDER BY w.served_at NULLS FIRST LIMIT 1 FOR NO KEY UPDATE OF w SKIP LOCKED)
    RETURNING id, url, secret, failures, taken_until,
        CASE WHEN previous_until > now() THEN previous_secret END AS previous_secret""")
_WAITING = text("""
    SELECT count(*) FROM webhooks AS w
    WHERE w.state = 'active' AND w.due_at <= now() AND (w.taken_until IS NULL OR w.taken_until < now())
        AND EXISTS (SELECT FROM webhook_deliveries AS d WHERE d.webhook_id = w.id AND d.state = 'due' AND d.due_at <= now())""")
_ROWS = text("""
    SELECT d.id, d.body, d.tries, d.due_at > now() AS waits, d.due_at, d.created_at < now() - :gives_up AS is_old, d.created_at
    FROM webhook_deliveries AS d JOIN webhooks AS w ON w.id = d.webhook_id AND w.state = 'active' AND w.taken_until = :taken_until
    WHERE d.webhook_id = :id AND d.state = 'due' AND (d.due_at <= now() OR d.tries < :holds)
    ORDER BY d.position NULLS FIRST, d.number LIMIT :count""")
#: Not what a replay has asked for again since the try began: its receiver may have done so before it answered.
_SENT = text("""
    UPDATE webhook_deliveries SET state = 'sent', tries = tries + 1, tried_at = now(), settled_at = now(), status = :status,
        milliseconds = :milliseconds, error = NULL
    WHERE id = :id AND state = 'due' AND created_at = :created_at""")
_FAILED = text("""
    UPDATE webhook_deliveries SET state = :state, tries = tries + 1, tried_at = now(), due_at = now() + :pause,
        settled_at = CASE WHEN :state = 'due' THEN NULL ELSE now() END, status = :status, milliseconds = :milliseconds,
        error = :error
    WHERE id = :id AND state = 'due' AND created_at = :created_at""")
_RECOVERED = text("UPDATE webhooks SET failures = 0, failing_since = NULL WHERE id = :id")
_ALL_AT_ONCE = text("""
    UPDATE webhook_deliveries SET due_at = now()
    WHERE webhook_id = :id AND state = 'due' AND due_at > now() AND tries < :hopeless""")
_FAILS = text("""
    UPDATE webhooks SET failures = failures + 1, failing_since = coalesce(failing_since, now()), due_at = now() + :pause
    WHERE id = :id RETURNING failing_since < now() - :fails_for AS for_days""")
_COUNT_DUE = text("""
    SELECT count(*) FROM (SELECT FROM webhook_deliveries WHERE webhook_id = :id AND state = 'due' LIMIT :most) AS waiting""")
_PAUSE = text("UPDATE webhooks SET state = :state WHERE id = :id AND state = 'active' RETURNING owner_id")
#: By mail, if mail has begun.
_TELL_OWNER = text("""
    INSERT INTO outbox (id, channel, kind, recipient_id, details)
    SELECT :message, name, :kind, :owner, jsonb_build_object('webhook', CAST(:webhook AS text), 'at', now())
    FROM subscriptions WHERE name = :channel""")
_RELEASE = text("""
    UPDATE webhooks SET taken_until = NULL, due_at = greatest(due_at, coalesce(:due_at, due_at))
    WHERE id = :id AND taken_until = :taken_until""")
_ACTIVE = text("SELECT id FROM webhooks WHERE state = 'active'")
_CLEAN = text("""
    DELETE FROM webhook_deliveries WHERE id IN (
        SELECT d.id FROM webhook_deliveries AS d WHERE d.created_at < now() - :kept ORDER BY d.created_at LIMIT :count)""")
_CLEAN_DELETED = text("""
    DELETE FROM webhook_deliveries WHERE id IN (
        SELECT d.id FROM webhook_deliveries AS d JOIN webhooks AS w ON w.id = d.webhook_id AND w.state = 'deleted' LIMIT :count)""")
_CLEAN_WEBHOOKS = text("""
    DELETE FROM webhooks AS w WHERE w.state = 'deleted'
        AND NOT EXISTS (SELECT FROM webhook_deliveries AS d WHERE d.webhook_id = w.id)""")


class _Row(NamedTuple):
    id: UUID
    body: str
    tries: int
    waits: bool
    due_at: datetime
    is_old: bool
    created_at: datetime


class _Then(Enum):
    """What follows a try. READ_AGAIN: more is due now, and earlier."""

    NEXT, READ_AGAIN, PAUSE = range(3)


class _Outcome(NamedTuple):
    """Of a try. `status`: None where no answer came."""

    status: int | None
    milliseconds: int
    error: str | None


@dataclass
class Postman:
    """Delivers to webhooks, from any number of threads. `count` is called with what became of each try."""

    engine: Engine
    secrets: WebhookSecrets
    allow_private: bool
    count: Callable[[str], None] = lambda outcome: None
    is_closing: Callable[[], bool] = lambda: False
    seconds: float = SECONDS

    def waiting(self) -> int:
        """How many webhooks could be served now."""
        with self.engine.connect() as connection:
            return int(connection.scalar(_WAITING) or 0)

    def serve(self) -> bool:
        """Serves the webhook that has waited longest; whether there was one. Raises SQLAlchemy's errors."""
        with self.engine.begin() as connection:
            connection.execute(_LOCK)
            taken = connection.execute(_TAKE, {"lease": LEASE, "of_owner": PARALLEL_OF_OWNER}).one_or_none()
        if taken is None:
            return False
        due_at: datetime | None = None
        try:
            due_at = asyncio.run(self._turn(taken))
        except (Unsealable, UrlRefused) as error:  # the operator's fault: nothing is lost when it is mended
            log.error("Webhook %s can't be served: %s", taken.id, error)  # noqa: TRY400 - the trace says nothing more
            due_at = datetime.now(UTC) + PAUSES_OF_WEBHOOK[-1]
        finally:
            with self.engine.begin() as connection:
                connection.execute(_RELEASE, {"id": taken.id, "taken_until": taken.taken_until, "due_at": due_at})
        return True

    async def _turn(self, taken: Any) -> datetime | None:
        """Delivers until a try fails, or the turn is over. Returns when the next one begins, if later than now."""
        secrets = [self.secrets.open(taken.id, sealed) for sealed in (taken.secret, taken.previous_secret) if sealed is not None]
        receiver = Receiver(parse(taken.url, allow_private=True), allow_private=self.allow_private, seconds=self.seconds)
        ends_at = time.monotonic() + TURN_SECONDS
        failures: int = taken.failures
        try:
            while rows := self._rows(taken):
                for row in rows:
                    if row.waits:
                        return row.due_at
                    outcome = await _try(receiver, secrets, row)
                    then = self._record(taken.id, row, outcome, failures)
                    if then is _Then.PAUSE or time.monotonic() >= ends_at or self.is_closing():
                        return None
                    failures = 0
                    if then is _Then.READ_AGAIN:
                        break
            return None
        finally:
            receiver.close()

    def _rows(self, taken: Any) -> Sequence[_Row]:
        parameters = {"id": taken.id, "taken_until": taken.taken_until, "gives_up": GIVES_UP, "holds": HOLDS, "count": ROWS}
        with self.engine.connect() as connection:
            return [_Row(*row) for row in connection.execute(_ROWS, parameters)]

    def _record(self, webhook_id: UUID, row: _Row, outcome: _Outcome, failures: int) -> _Then:
        values = {**outcome._asdict(), "id": row.id, "created_at": row.created_at}
        with self.engine.begin() as connection:
            if outcome.error is None:
                is_settled = connection.execute(_SENT, values).rowcount == 1
                if failures:
                    connection.execute(_RECOVERED, {"id": webhook_id})
                    connection.execute(_ALL_AT_ONCE, {"id": webhook_id, "hopeless": HOPELESS})
                self.count(SENT)
                return _Then.READ_AGAIN if failures or not is_settled else _Then.NEXT
            is_gone = outcome.status == HTTPStatus.GONE
            state = FAILED if row.is_old or is_gone else "due"
            pause = PAUSES[min(row.tries, len(PAUSES) - 1)]
            connection.execute(_FAILED, {"state": state, "pause": pause, **values})
            wait = PAUSES_OF_WEBHOOK[min(failures, len(PAUSES_OF_WEBHOOK) - 1)]
            for_days = connection.scalar(_FAILS, {"id": webhook_id, "pause": wait, "fails_for": FAILS_FOR})
            if is_gone:
                self._pause(connection, webhook_id, "its receiver is gone (410)")
            elif for_days:
                self._pause(connection, webhook_id, "it has failed for too long")
            elif self._has_too_much(connection, webhook_id):
                self._pause(connection, webhook_id, _TOO_MUCH)
            self.count("failed" if state == FAILED else "deferred")
            return _Then.PAUSE

    def _has_too_much(self, connection: Connection, webhook_id: UUID) -> bool:
        waiting: int = connection.execute(_COUNT_DUE, {"id": webhook_id, "most": MOST_WAITING + 1}).scalar_one()
        return waiting > MOST_WAITING

    def _pause(self, connection: Connection, webhook_id: UUID, reason: str) -> None:
        owner_id = connection.scalar(_PAUSE, {"id": webhook_id, "state": FAILING})
        if owner_id is not None:
            log.warning("Webhook %s is paused: %s", webhook_id, reason)
            paused = {"message": uuid4(), "owner": owner_id, "kind": WEBHOOK_PAUSED, "webhook": str(webhook_id), "channel": MAIL}
            connection.execute(_TELL_OWNER, paused)

    def clean(self) -> None:
        """Deletes old deliveries, and those of deleted webhooks, some at a time; pauses webhooks for which too much waits."""
        for _ in range(CLEANING_ROUNDS):
            with self.engine.begin() as connection:
                old = connection.execute(_CLEAN, {"kept": KEPT, "count": CLEANING_BATCH}).rowcount
                unwanted = connection.execute(_CLEAN_DELETED, {"count": CLEANING_BATCH}).rowcount
                connection.execute(_CLEAN_WEBHOOKS)
            if max(old, unwanted) < CLEANING_BATCH:
                break
        with self.engine.begin() as connection:
            for webhook_id in connection.scalars(_ACTIVE).all():
                if self._has_too_much(connection, webhook_id):
                    self._pause(connection, webhook_id, _TOO_MUCH)


async def _try(receiver: Receiver, secrets: Sequence[str], row: _Row) -> _Outcome:
    began = time.monotonic()
    body = row.body.encode()
    headers = {
        "User-Agent": USER_AGENT,
        "Content-Type": "application/json",
        "Accept": "*/*",
        **signing.headers(secrets, str(row.id), int(time.time()), body),
    }
    status, error = None, None
    try:
        status = await receiver.post(headers, body)
        error = None if 200 <= status < 300 else _describe(status)
    except Undelivered as undelivered:
        error = str(undelivered)
    return _Outcome(status, round((time.monotonic() - began) * 1000), error)


def _describe(status: int) -> str:
    if 300 <= status < 400:
        return f"It answered {status}: redirects are not followed."
    return f"It answered {status}."
