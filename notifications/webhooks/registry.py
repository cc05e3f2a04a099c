"""The webhooks of an account, and what became of their deliveries, as their owner changes and sees them."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import msgspec

from accounts.database import Pool, one_statement, transaction
from accounts.origin import Origin
from accounts.trail import AccountAction, record
from ledger import outbox
from ledger.commands import Role
from ledger.entries import EventScheduled
from ledger.errors import EventNotFound, IdempotencyKeyReused, Malformed, NotYourEvent
from ledger.mapper import decode_or_unreadable
from ledger.webhooks import ACTIVE, WEBHOOKS
from notifications.errors import TooManyWebhooks, WebhookNotFound, WebhookPaused
from notifications.webhooks.addresses import UrlRefused, parse
from notifications.webhooks.bodies import body_of_test
from notifications.webhooks.secrets import WebhookSecrets
from notifications.webhooks.types import ALL, TEST

#: How many an account may have.
MOST = 20
#: How long the previous secret signs, too.
ROTATION = timedelta(hours=24)
#: Waiting deliveries are counted up to this number.
MOST_COUNTED = 1_000

_SHOWN = f"""
    id, url, types, event_id, state, created_at, last_position, failing_since, replay_from,
    CASE WHEN previous_until > now() THEN previous_until END AS previous_secret_until,
    (SELECT count(*) FROM (SELECT FROM webhook_deliveries AS d WHERE d.webhook_id = w.id AND d.state = 'due' LIMIT {MOST_COUNTED})
        AS due) AS waiting"""
_OWN = "w.owner_id = %(owner)s AND w.state <> 'deleted'"
_ONE = f"{_OWN} AND w.id = %(id)s"
_DELIVERY = """
    id, type, position, (body::json ->> 'previous_position')::bigint AS previous_position, state, tries, created_at,
    CASE WHEN state = 'due' THEN due_at END AS due_at, tried_at, status, milliseconds, error"""
#: Whoever follows the ledger for webhooks locks this row first: so no entry comes between the head and the new webhook.
_BEGIN = f"INSERT INTO subscriptions (name, position) VALUES (%s, {outbox.HEAD}) ON CONFLICT DO NOTHING"
_LOCK = "SELECT FROM subscriptions WHERE name = %s FOR UPDATE"
_INSERT = f"""
    INSERT INTO webhooks AS w (id, owner_id, event_id, url, types, secret, begins_after)
    SELECT %(id)s, %(owner)s, %(event_id)s, %(url)s, %(types)s, %(secret)s, {outbox.HEAD}
    WHERE (SELECT count(*) FROM webhooks AS w WHERE {_OWN}) < {MOST}
    ON CONFLICT (id) DO NOTHING RETURNING {_SHOWN}"""
_CHANGE = f"""
    UPDATE webhooks AS w SET url = coalesce(%(url)s, url), types = coalesce(%(types)s, types), state = coalesce(%(state)s, state),
        failures = CASE WHEN %(retries)s THEN 0 ELSE failures END, due_at = CASE WHEN %(retries)s THEN now() ELSE due_at END,
        failing_since = CASE WHEN %(retries)s THEN NULL ELSE failing_since END
    WHERE {_ONE} RETURNING {_SHOWN}"""
_ROTATE = f"""
    UPDATE webhooks AS w SET previous_secret = secret, previous_until = now() + %(rotation)s, secret = %(secret)s
    WHERE {_ONE} RETURNING {_SHOWN}"""
_DELETE = f"""
    UPDATE webhooks AS w SET state = 'deleted', url = '', secret = '', previous_secret = NULL, previous_until = NULL,
        replay_from = NULL
    WHERE {_ONE} RETURNING {_SHOWN}"""
_REPLAY = f"""
    UPDATE webhooks AS w SET replay_from = %(from)s, replay_previous = NULL,
        replay_until = (SELECT position FROM subscriptions WHERE name = '{WEBHOOKS}')
    WHERE {_ONE} AND state = 'active' RETURNING {_SHOWN}"""
_TEST = f"""
    WITH tested AS (UPDATE webhooks AS w SET due_at = now() WHERE {_ONE} AND state = 'active' RETURNING w.id)
    INSERT INTO webhook_deliveries (id, webhook_id, type, body) SELECT %(delivery)s, id, '{TEST}', %(body)s FROM tested
    RETURNING {_DELIVERY}"""


class Webhook(NamedTuple):
    """A row of _SHOWN."""

    id: UUID
    url: str
    types: Sequence[str]
    event_id: UUID | None
    state: str
    created_at: datetime
    last_position: int | None
    failing_since: datetime | None
    replay_from: int | None
    previous_secret_until: datetime | None
    waiting: int


class DeliveryRow(NamedTuple):
    """A row of _DELIVERY."""

    id: UUID
    type: str
    position: int | None
    previous_position: int | None
    state: str
    tries: int
    created_at: datetime
    due_at: datetime | None
    tried_at: datetime | None
    status: int | None
    milliseconds: int | None
    error: str | None


class NewWebhook(msgspec.Struct, frozen=True):
    url: str
    types: Sequence[str]
    event_id: UUID | None


class Change(msgspec.Struct, frozen=True):
    """None: as it is."""

    url: str | None
    types: Sequence[str] | None
    state: str | None


class Webhooks:
    """What changes a webhook leaves an entry in the trail of accounts. Methods raise WebhookNotFound for what is not the owner's;
    Busy, OutcomeUnknown."""

    def __init__(self, pool: Pool, secrets: WebhookSecrets, *, allow_private: bool) -> None:
        self._pool, self._secrets, self._allow_private = pool, secrets, allow_private

    async def add(self, id_: UUID, owner_id: UUID, role: Role, new: NewWebhook, origin: Origin) -> tuple[Webhook, str]:
        """The webhook and its secret, which is readable here only; the same again for the same id. It is told about later entries.
        Raises Malformed, EventNotFound, NotYourEvent, TooManyWebhooks; IdempotencyKeyReused if the id is that of another one."""
        self._check(new.url)
        types = _checked_types(new.types)
        if new.event_id is not None:
            await self._check_event(new.event_id, owner_id, role)
        secret, sealed = self._secrets.new(id_)
        values = {"id": id_, "owner": owner_id, "event_id": new.event_id, "url": new.url, "types": types, "secret": sealed}
        async with transaction(self._pool) as cursor:
            await cursor.execute(_BEGIN, (WEBHOOKS,))
            await cursor.execute(_LOCK, (WEBHOOKS,))
            await cursor.execute(_INSERT, values)
            row = await cursor.fetchone()
            if row is not None:
                await record(cursor, AccountAction.WEBHOOK_CREATED, owner_id, origin)
        if row is not None:
            return Webhook(*row), secret
        return await self._made_before(id_, owner_id, NewWebhook(new.url, types, new.event_id))

    async def _made_before(self, id_: UUID, owner_id: UUID, new: NewWebhook) -> tuple[Webhook, str]:
        async with one_statement(self._pool) as cursor:
            await cursor.execute("SELECT secret FROM webhooks WHERE id = %s", (id_,))
            row = await cursor.fetchone()
        if row is None:
            raise TooManyWebhooks(MOST)
        with suppress(WebhookNotFound):  # it was deleted since
            made = await self.find(owner_id, id_)
            if (made.url, list(made.types), made.event_id) == (new.url, new.types, new.event_id):
                return made, self._secrets.open(id_, row[0])
        raise IdempotencyKeyReused

    async def all(self, owner_id: UUID) -> list[Webhook]:
        """Oldest first."""
        async with one_statement(self._pool) as cursor:
            await cursor.execute(f"SELECT {_SHOWN} FROM webhooks AS w WHERE {_OWN} ORDER BY created_at, id", {"owner": owner_id})
            return [Webhook(*row) for row in await cursor.fetchall()]

    async def find(self, owner_id: UUID, id_: UUID) -> Webhook:
        return Webhook(*await self._row(f"SELECT {_SHOWN} FROM webhooks AS w WHERE {_ONE}", {"owner": owner_id, "id": id_}))

    async def change(self, owner_id: UUID, id_: UUID, change: Change, origin: Origin) -> Webhook:
        """Raises Malformed."""
        if change.url is not None:
            self._check(change.url)
        types = None if change.types is None else _checked_types(change.types)
        retries = change.url is not None or change.state == ACTIVE
        if change == Change(None, None, None):
            return await self.find(owner_id, id_)
        values = {"owner": owner_id, "id": id_, "url": change.url, "types": types, "state": change.state, "retries": retries}
        return await self._recorded(AccountAction.WEBHOOK_CHANGED, _CHANGE, values, origin)

    async def delete(self, owner_id: UUID, id_: UUID, origin: Origin) -> None:
        """Nothing more is sent to it. Workers delete its deliveries."""
        await self._recorded(AccountAction.WEBHOOK_DELETED, _DELETE, {"owner": owner_id, "id": id_}, origin)

    async def rotate(self, owner_id: UUID, id_: UUID, origin: Origin) -> tuple[Webhook, str]:
        """The webhook and its new secret. The one before signs, too, for ROTATION."""
        secret, sealed = self._secrets.new(id_)
        values = {"owner": owner_id, "id": id_, "secret": sealed, "rotation": ROTATION}
        return await self._recorded(AccountAction.WEBHOOK_SECRET_ROTATED, _ROTATE, values, origin), secret

    async def replay(self, owner_id: UUID, id_: UUID, from_: int) -> Webhook:
        """Workers send again what it was told, or would have been, from that position on. Raises WebhookPaused."""
        values = {"owner": owner_id, "id": id_, "from": from_}
        return Webhook(*await self._row(_REPLAY, values, must_be_active=True))

    async def test(self, owner_id: UUID, id_: UUID) -> DeliveryRow:
        """A delivery about no entry. Raises WebhookPaused."""
        values = {"owner": owner_id, "id": id_, "delivery": uuid4(), "body": body_of_test(id_)}
        return DeliveryRow(*await self._row(_TEST, values, must_be_active=True))

    async def deliveries(self, owner_id: UUID, id_: UUID, before: int | None, limit: int) -> tuple[list[DeliveryRow], int | None]:
        """Newest first, and the number before which the next page begins."""
        await self.find(owner_id, id_)
        async with one_statement(self._pool) as cursor:
            await cursor.execute(
                f"SELECT number, {_DELIVERY} FROM webhook_deliveries WHERE webhook_id = %(id)s"
                " AND (%(before)s::bigint IS NULL OR number < %(before)s) ORDER BY number DESC LIMIT %(limit)s",
                {"id": id_, "before": before, "limit": limit + 1},
            )
            rows = await cursor.fetchall()
        return [DeliveryRow(*row[1:]) for row in rows[:limit]], rows[limit - 1][0] if len(rows) > limit else None

    async def delivery(self, owner_id: UUID, id_: UUID, delivery_id: UUID) -> tuple[DeliveryRow, str]:
        """One, with its body."""
        async with one_statement(self._pool) as cursor:
            await cursor.execute(
                f"SELECT body, {_DELIVERY} FROM webhook_deliveries WHERE id = %(delivery)s"
                f" AND webhook_id = (SELECT w.id FROM webhooks AS w WHERE {_ONE})",
                {"owner": owner_id, "id": id_, "delivery": delivery_id},
            )
            row = await cursor.fetchone()
        if row is None:
            raise WebhookNotFound
        body, *shown = row
        return DeliveryRow(*shown), body

    def _check(self, url: str) -> None:
        try:
            parse(url, allow_private=self._allow_private)
        except UrlRefused as error:
            raise Malformed(f"The URL {error}.", errors=[{"path": "url", "message": str(error)}]) from None

    async def _check_event(self, event_id: UUID, owner_id: UUID, role: Role) -> None:
        """The ledger itself is asked: an event that was just made counts. Workers check it again, with its MAC."""
        async with one_statement(self._pool) as cursor:
            first = "SELECT topic, state FROM ledger_entries WHERE originator_id = %s AND originator_version = 1"
            await cursor.execute(first, (event_id,))
            row = await cursor.fetchone()
        entry = None if row is None else decode_or_unreadable(*row)
        if not isinstance(entry, EventScheduled):
            raise EventNotFound
        if role is not Role.ADMIN and entry.organizer_id != owner_id:
            raise NotYourEvent

    async def _recorded(self, action: AccountAction, statement: str, values: dict[str, Any], origin: Origin) -> Webhook:
        async with transaction(self._pool) as cursor:
            await cursor.execute(statement, values)
            row = await cursor.fetchone()
            if row is None:
                raise WebhookNotFound
            await record(cursor, action, values["owner"], origin)
        return Webhook(*row)

    async def _row(self, statement: str, values: dict[str, Any], *, must_be_active: bool = False) -> tuple[Any, ...]:
        """`must_be_active`: the statement changes active webhooks alone."""
        async with one_statement(self._pool, changes=not statement.lstrip().startswith("SELECT")) as cursor:
            await cursor.execute(statement, values)
            row = await cursor.fetchone()
        if row is None and must_be_active:
            await self.find(values["owner"], values["id"])
            raise WebhookPaused
        if row is None:
            raise WebhookNotFound
        return row


def _checked_types(types: Sequence[str]) -> list[str]:
    """In the order given, each once. Raises Malformed."""
    distinct = list(dict.fromkeys(types))
    if ALL in distinct and len(distinct) > 1:
        raise Malformed("`*` means every type: send it alone.", errors=[{"path": "types", "message": "* stands alone"}])
    return distinct
