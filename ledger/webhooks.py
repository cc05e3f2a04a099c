"""The tables of webhooks: addresses of programs that are told about entries, and what each is told, a row a delivery."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from ledger.outbox import DUE, STATES, metadata

__all__ = ["metadata", "webhook_deliveries", "webhooks"]

WEBHOOKS = "webhooks"
#: `failing`: paused, since it has failed for days, or wants no more. `deleted`: its deliveries are deleted little by little.
ACTIVE, PAUSED, FAILING, DELETED = "active", "paused", "paused-by-failures", "deleted"

_NOW = text("now()")
_time = DateTime(timezone=True)
_webhook_states = ", ".join(f"'{state}'" for state in (ACTIVE, PAUSED, FAILING, DELETED))
_delivery_states = ", ".join(f"'{state}'" for state in STATES)
_is_due = text(f"state = '{DUE}'")

#: `types`: names of types, or `*`. `secret`, `previous_secret`: sealed with a key of KEYS_DIR; the previous one signs, too, until
#: `previous_until`. It is told about entries after position `begins_after`; `last_position` is that of the last one that concerned
#: it, also while it is paused. `failures`: tries in a row that failed; `due_at`: when it is tried again. `taken_until`: until then
#: one process delivers to it; `served_at`: when one did last. A replay goes on at `replay_from`, up to `replay_until`;
#: `replay_previous`: the position before.
webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("event_id", Uuid),
    Column("url", Text, nullable=False),
    Column("types", ARRAY(Text), nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("previous_secret", LargeBinary),
    Column("previous_until", _time),
    Column(
        "state", Text, CheckConstraint(f"state IN ({_webhook_states})", name="state"), nullable=False,
        server_default=text(f"'{ACTIVE}'"),
    ),
    Column("created_at", _time, nullable=False, server_default=_NOW),
    Column("begins_after", BigInteger, nullable=False),
    Column("last_position", BigInteger),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("failing_since", _time),
    Column("due_at", _time, nullable=False, server_default=_NOW),
    Column("taken_until", _time),
    Column("served_at", _time),
    Column("replay_from", BigInteger),
    Column("replay_until", BigInteger),
    Column("replay_previous", BigInteger),
    Index(None, "owner_id"),
)  # fmt: skip

#: `id` follows from the entry and the webhook: twice is once. `position`: of the entry; null for a test. `body`: what is sent,
#: whole. `tries`, `tried_at`: deliveries that have ended; `status`, `milliseconds`, `error`: how the last one did.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", BigInteger, Identity(always=True), nullable=False, unique=True),
    Column("webhook_id", Uuid, ForeignKey("webhooks.id"), nullable=False),
    Column("type", Text, nullable=False),
    Column("position", BigInteger),
    Column("body", Text, nullable=False),
    Column(
        "state", Text, CheckConstraint(f"state IN ({_delivery_states})", name="state"), nullable=False,
        server_default=text(f"'{DUE}'"),
    ),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("created_at", _time, nullable=False, server_default=_NOW),
    Column("due_at", _time, nullable=False, server_default=_NOW),
    Column("tried_at", _time),
    Column("settled_at", _time),
    Column("status", Integer),
    Column("milliseconds", Integer),
    Column("error", Text),
    Index("ix_webhook_deliveries_due", "webhook_id", "position", "number", postgresql_where=_is_due),
    Index(None, "webhook_id", "number"),
    Index(None, "created_at"),
)  # fmt: skip

#: For the transaction that erases a person: an address may name its owner.
FORGET = """
    UPDATE webhooks SET state = 'deleted', url = '', secret = '', previous_secret = NULL, previous_until = NULL, replay_from = NULL
    WHERE owner_id = %s"""
