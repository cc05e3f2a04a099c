"""The outbox: messages to be delivered; each has exactly one row. Whoever has something to tell inserts a row in the
transaction that makes it true; workers deliver it (`notifications/`), at least once, under the row's id.

A row names its recipient by id: it has no address and no name, so that an erased person is erased here, too.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Literal
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from typing_extensions import TypeAliasType

from ledger.derived_ids import derived_id
from ledger.entries import RecordedEntry

MAIL = "mail"
WEBHOOK_PAUSED = "webhook-paused"
#: Kinds of mail about an account: of its changes, as the trail of accounts calls them, and of what it has.
NOTICES = frozenset(
    (
        "password-changed", "email-changed", "role-changed", "second-factor-set", "second-factor-removed", "recovery-code-used",
        WEBHOOK_PAUSED,
    )
)  # fmt: skip
#: Kinds of mail that come from an organizer's side, and that nobody needs: who does not want them gets none.
ANNOUNCEMENT, REMINDER = OPTIONAL = ("announcement", "reminder")
#: The recipient of messages that nobody gets: written where no account has the address, so that the response time does not tell
#: whether one has it.
NOBODY = UUID(int=0)
#: A kind of mail: a code that proves an address. Its recipient is a row of `contact_codes`.
CONTACT_CODE = "contact-code"
#: Messages of one person's doing, for which somebody waits, go before those to the many customers of an event.
PROMPT, TO_MANY = 0, 1
#: What became of a message. `held`: nobody sends it, unless an operator releases it; it was due when a backup was made.
DUE, SENT, FAILED, SKIPPED, HELD = "due", "sent", "failed", "skipped", "held"
STATES = (DUE, SENT, FAILED, SKIPPED, HELD)
#: The same, as clients see it.
DeliveryState = TypeAliasType("DeliveryState", Literal["due", "sent", "failed", "skipped", "held"])

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)
_NOW = text("now()")
_time = DateTime(timezone=True)
_states = ", ".join(f"'{state}'" for state in STATES)
_is_due = text(f"state = '{DUE}'")

#: `id` follows from what the message is about, of which kind it is, and for whom: twice is once. `number` is the order of rows; a
#: message waits for those before it to the same recipient about the same event. `priority`: PROMPT or TO_MANY. `position`: of the
#: entry. `details`: what the kind needs besides. `tries`: deliveries that were begun; `due_at`: when the next one begins. `error`:
#: of the last try, or why none is made. `settled_at`: when it was delivered or given up.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", BigInteger, Identity(always=True), nullable=False, unique=True),
    Column("channel", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("recipient_id", Uuid, nullable=False),
    Column("event_id", Uuid),
    Column("booking_id", Uuid),
    Column("position", BigInteger),
    Column("details", JSONB, nullable=False),
    Column("state", Text, CheckConstraint(f"state IN ({_states})", name="state"), nullable=False, server_default=text(f"'{DUE}'")),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("created_at", _time, nullable=False, server_default=_NOW),
    Column("due_at", _time, nullable=False, server_default=_NOW),
    Column("settled_at", _time),
    Column("error", Text),
    Column("priority", SmallInteger, nullable=False, server_default=text("0")),
    Index("ix_outbox_due", "channel", "priority", "due_at", "number", postgresql_where=_is_due),
    Index("ix_outbox_order", "recipient_id", "event_id", "number", postgresql_where=_is_due),
    Index(None, "booking_id", "number"),
    Index(None, "event_id", "number"),
    Index(None, "recipient_id", "event_id", "number"),
    Index(None, "settled_at"),
    Index(
        "ix_outbox_announcement", text("(details ->> 'announcement')"), "state", postgresql_where=text(f"kind = '{ANNOUNCEMENT}'")
    ),
)

#: To whom an announcement goes: everybody with tickets, those with tickets that were used, those with tickets that were not, or
#: nobody but its sender, as a test.
ALL, CHECKED_IN, NOT_CHECKED_IN, MYSELF = AUDIENCES = ("all", "checked-in", "not-checked-in", "myself")
_audiences = ", ".join(f"'{audience}'" for audience in AUDIENCES)

#: What an organizer, or an admin, writes to the attendees of an event. `category`: of the tickets; null: any. `has_reply_to`:
#: answers go to the sender. `written_at`: when its messages, of as many `recipients`, were written into the outbox; null: not yet.
announcements = Table(
    "announcements",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", BigInteger, Identity(always=True), nullable=False, unique=True),
    Column("event_id", Uuid, nullable=False),
    Column("sender_id", Uuid, nullable=False),
    Column("audience", Text, CheckConstraint(f"audience IN ({_audiences})", name="audience"), nullable=False),
    Column("category", Integer),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("has_reply_to", Boolean, nullable=False),
    Column("created_at", _time, nullable=False, server_default=_NOW),
    Column("written_at", _time),
    Column("recipients", Integer),
    CheckConstraint("(written_at IS NULL) = (recipients IS NULL)", name="written"),
    Index(None, "event_id", "number"),
    Index(None, "sender_id"),
    Index(None, "created_at"),
    Index("ix_announcements_unwritten", "number", postgresql_where=text("written_at IS NULL")),
)

#: Events whose customers were reminded of this start.
reminded_events = Table(
    "reminded_events",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("starts_at", _time, primary_key=True),
    Column("reminded_at", _time, nullable=False, server_default=_NOW),
    Index(None, "starts_at"),
)

#: Those who follow the ledger to tell others, each with the position up to which they have. A row is made by the first worker that
#: delivers, at the head. While it is stalled, `failed_position` is that of the entry about which nothing can be told, and `error`
#: says why.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("updated_at", _time, nullable=False, server_default=_NOW),
    Column("failed_position", BigInteger),
    Column("error", Text),
)


#: Also a row of `subscriptions`, though reminders follow no entries: `updated_at` is since when there are any.
REMINDERS = "reminders"

#: The namespace of the ids of messages.
_OUTBOX = UUID("5b1f7c52-6a1d-4b0e-8c57-0a3f4e6d9b21")


#: The advisory lock of those who append entries about which nobody is to be told ("Quiet" in ASCII). Who follows the ledger shares
#: it for each step.
QUIET = 0x5175696574
HEAD = "(SELECT coalesce(max(notification_id), 0) FROM ledger_entries)"
#: Nobody is told about the entries that there are.
PASS_ALL = f"UPDATE subscriptions SET position = {HEAD}, updated_at = current_timestamp, failed_position = NULL, error = NULL"


#: Where mails go in a demo that has no server: whole, as they would travel; `recipient` (an address) and `subject` are shown in the
#: list. Only the newest are kept.
mailbox = Table(
    "mailbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("received_at", _time, nullable=False, server_default=text("clock_timestamp()")),
    Column("content", LargeBinary, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Index(None, "received_at"),
)

#: How many mails an address got in each hour, over all who have it: accounts, contacts. `address` is a keyed digest.
mail_counts = Table(
    "mail_counts",
    metadata,
    Column("address", LargeBinary, primary_key=True),
    Column("hour", _time, primary_key=True),
    Column("count", Integer, nullable=False),
    Index(None, "hour"),
)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A row to be. `details` is a JSON object."""

    id: UUID
    channel: str
    kind: str
    recipient_id: UUID
    event_id: UUID | None = None
    booking_id: UUID | None = None
    position: int | None = None
    details: dict[str, Any] = {}
    priority: int = PROMPT


def message_id(cause: bytes, kind: str, recipient_id: UUID) -> UUID:
    """The id of a message: the same for the same cause, kind and recipient, in every process and after a restore."""
    covered = b"%d %s %s %s" % (len(cause), cause, kind.encode(), recipient_id.bytes)
    return derived_id(_OUTBOX, covered)


def id_prefix(cause: bytes, kind: str) -> bytes:
    """What MESSAGE_ID hashes before the recipient's id."""
    return _OUTBOX.bytes + b"%d %s %s " % (len(cause), cause, kind.encode())


#: SQL: the id of a message to the recipient `id`, where the database makes many at once: the same for the same `%(id_prefix)s`. A
#: UUID of version 8 (RFC 9562, 5.8).
MESSAGE_ID = """(
    SELECT encode(set_byte(set_byte(hash, 6, get_byte(hash, 6) & 15 | 128), 8, get_byte(hash, 8) & 63 | 128), 'hex')::uuid
    FROM substring(sha256(%(id_prefix)s || uuid_send(id)) FOR 16) AS hash)"""


def cause_of(recorded: RecordedEntry) -> bytes:
    """What identifies an entry: its MAC, since positions recur after a restore; that of an entry without one, its place in its
    stream."""
    return recorded.mac or b"%s %d" % (recorded.stream.bytes, recorded.version)


#: Inserts the messages of a JSON array, but those that are there, and those for people without an address: erased ones, and guests
#: of the other APIs.
INSERT = """
    INSERT INTO outbox (id, channel, kind, recipient_id, event_id, booking_id, position, details, priority)
    SELECT m.id, m.channel, m.kind, m.recipient_id, m.event_id, m.booking_id, m.position, m.details, m.priority
    FROM ROWS FROM (json_to_recordset(%s::json) AS (
        id uuid, channel text, kind text, recipient_id uuid, event_id uuid, booking_id uuid, position bigint, details jsonb,
        priority smallint
    )) WITH ORDINALITY AS m (id, channel, kind, recipient_id, event_id, booking_id, position, details, priority, place)
    JOIN accounts ON accounts.id = m.recipient_id AND coalesce(accounts.email, accounts.contact_email) IS NOT NULL
    ORDER BY m.place
    ON CONFLICT (id) DO NOTHING"""


@contextmanager
def quiet(database_url: str) -> Iterator[None]:
    """Nobody is told about what is appended in the block. Raises psycopg's errors."""
    with closing(psycopg.connect(database_url, autocommit=True, application_name="seatledger-quiet")) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (QUIET,))
        try:
            yield
        finally:
            connection.execute(PASS_ALL)


def insert(connection: Connection, messages: Sequence[Message]) -> int:
    """Inserts messages in the transaction of the caller, in order. Returns the number of new rows."""
    if not messages:
        return 0
    return connection.exec_driver_sql(INSERT, (msgspec.json.encode(messages).decode(),)).rowcount
