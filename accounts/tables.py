"""The tables of accounts. The migrations create them; a test compares the two."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ledger.commands import Role
from ledger.mail_tokens import PURPOSES

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

_NOW = text("now()")
_time = DateTime(timezone=True)
_roles = ", ".join(f"'{role}'" for role in Role)
_purposes = ", ".join(f"'{purpose}'" for purpose in PURPOSES)

#: Accounts, and contacts, for whom nobody logs in, with `contact_email` in place of `email`. Both addresses are lower-cased;
#: neither: the person was erased. `contact_of`: the organizer at whose box office the contact bought; `guest_of`: at whose event
#: somebody booked without an account; neither: a contact that was made before contacts were kept apart. `claimed_by`: the account
#: whose person proved to be the contact's, and whose bookings the contact's are, too (`accounts/claims.py`). `email_proven_at`:
#: when the account or guest proved the address; null: not. Of the contacts that nobody claimed an organizer has one of each address
#: at the box office, and one proven guest.
#: `access_changed_at`: when a change of role, password or state last changed what the account's tokens permit; null: never.
accounts = Table(
    "accounts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, unique=True),
    Column("phone", Text),
    Column("role", Text, CheckConstraint(f"role IN ({_roles})", name="role"), nullable=False),
    Column("password_hash", Text),
    Column("disabled", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", _time, nullable=False, server_default=_NOW),
    Column("access_changed_at", _time),
    Column("email_proven_at", _time),
    Column("contact_email", Text),
    Column("contact_of", Uuid),
    Column("guest_of", Uuid),
    Column("claimed_by", Uuid),
    Index("ix_accounts_unclaimed", "contact_of", "contact_email", unique=True, postgresql_where=text("claimed_by IS NULL")),
    Index(None, "contact_email", postgresql_where=text("contact_email IS NOT NULL")),
    Index(None, "claimed_by", postgresql_where=text("claimed_by IS NOT NULL")),
    Index(None, "created_at", "id"),
    Index(None, "access_changed_at", postgresql_where=text("access_changed_at IS NOT NULL")),
    Index(
        "uq_accounts_proven_guests",
        "guest_of",
        "contact_email",
        unique=True,
        postgresql_where=text("guest_of IS NOT NULL AND email_proven_at IS NOT NULL AND claimed_by IS NULL"),
    ),
    Index("ix_accounts_admins", "id", postgresql_where=text("role = 'admin'")),
)

#: Bookings of contacts whose manage link was revoked: only a link of this `issue` works. Without a row it is 0.
manage_links = Table(
    "manage_links",
    metadata,
    Column("booking_id", Uuid, primary_key=True),
    Column("issue", Integer, nullable=False),
    Column("changed_at", _time, nullable=False, server_default=_NOW),
)

#: Who wants no reminders and no announcements of organizers. The choice of a contact, or of an account with a proven address, holds
#: for all that have the address.
mail_opt_outs = Table(
    "mail_opt_outs",
    metadata,
    Column("account_id", Uuid, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("at", _time, nullable=False, server_default=_NOW),
)

#: Whose address does not exist, as its mail server said, in its words, since the address was set or proved. That holds for all that
#: have it.
mail_bounces = Table(
    "mail_bounces",
    metadata,
    Column("account_id", Uuid, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("at", _time, nullable=False, server_default=_NOW),
    Column("reply", Text, nullable=False),
)

#: Sessions. `token_hash` is the SHA-256 of the token; the token itself is not stored. `id` names the session to its owner.
#: `authenticated_at`: when the password was last given, null: when it was made. `last_seen_at`: within some minutes; null: not
#: since it was made. `network`, `client`: of the log-in, as `accounts/origin.py` tells.
tokens = Table(
    "tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", _time, nullable=False, server_default=_NOW),
    Column("expires_at", _time, nullable=False),
    Column("revoked_at", _time),
    Column("id", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
    Column("authenticated_at", _time),
    Column("last_seen_at", _time),
    Column("network", Text),
    Column("client", Text),
    Index(None, "account_id"),
    Index(None, "revoked_at", postgresql_where=text("revoked_at IS NOT NULL")),
    Index(None, "expires_at"),
)

#: The account that each command was about, a keyed digest of its body, and its first result. The foreign key is checked at
#: commit: the command's row is inserted before the account that the command creates.
account_commands = Table(
    "account_commands",
    metadata,
    Column("command_id", Uuid, primary_key=True),
    Column(
        "account_id", Uuid, ForeignKey("accounts.id", ondelete="CASCADE", deferrable=True, initially="DEFERRED"), nullable=False
    ),
    Column("digest", LargeBinary, nullable=False),
    Column("answer", JSONB, nullable=False),
    Column("at", _time, nullable=False, server_default=_NOW),
    Index(None, "account_id"),
)

#: The TOTP secret of an account, encrypted with a key of KEYS_DIR. `confirmed_at`: null until the first code, from which on log-ins
#: need one. `last_step`: the last time step whose code was used.
second_factors = Table(
    "second_factors",
    metadata,
    Column("account_id", Uuid, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("secret", LargeBinary, nullable=False),
    Column("confirmed_at", _time),
    Column("last_step", BigInteger, nullable=False, server_default=text("0")),
    Column("created_at", _time, nullable=False, server_default=_NOW),
)

#: Codes that stand in for a lost second factor, each once, as SHA-256: they have 80 random bits.
recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("account_id", Uuid, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("code_hash", LargeBinary, primary_key=True),
    Column("used_at", _time),
)

#: Who changed which account, in the transaction of the change; and failed log-ins, summed up by minute. Rows are inserted, and
#: deleted after `account_trail_days`. It has ids in place of names, so it stays when a person is erased. `account_id`: whose
#: account; null: an unknown e-mail address. `actor_id`: who did it; null: the operator, or nobody knows.
account_trail = Table(
    "account_trail",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", _time, nullable=False, server_default=text("clock_timestamp()")),
    Column("action", Text, nullable=False),
    Column("account_id", Uuid),
    Column("actor_id", Uuid),
    Column("network", Text),
    Column("role_before", Text),
    Column("role_after", Text),
    Column("count", Integer),
    Index(None, "account_id", "id"),
    Index(None, "at"),
)

#: The users of the other APIs on the same ledger (`compat/`), each known to one API: they have no account. Their API identifies
#: them by `handle`, which is unique there, or by `number`. Ids say nothing about the handle; those of releases before 0014 are
#: derived from it.
guests = Table(
    "guests",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", BigInteger, Identity(always=True), nullable=False, unique=True),
    Column("api", Text, nullable=False),
    Column("handle", Text),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("phone", Text),
    Column("role", Text),
    Column("password_hash", Text),
    Column("created_at", _time, nullable=False, server_default=_NOW),
    Column("erased_at", _time),
    UniqueConstraint("api", "handle"),
    CheckConstraint("role IN ('customer', 'admin')", name="role"),
    Index(None, "api", "number"),
    Index(None, "api", "email"),
)

guest_tokens = Table(
    "guest_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("guest_id", Uuid, ForeignKey("guests.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", _time, nullable=False, server_default=_NOW),
    Index(None, "guest_id", "created_at"),
)

#: Tokens that were sent by mail (`ledger/mail_tokens.py`), which are not stored. `account_id` is no foreign key: an address that no
#: account has gets a row, too, for `outbox.NOBODY`, so that its answer takes as long. Deleted: the account has changed since.
mailed_tokens = Table(
    "mailed_tokens",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("purpose", Text, CheckConstraint(f"purpose IN ({_purposes})", name="purpose"), nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("created_at", _time, nullable=False, server_default=_NOW),
    Column("expires_at", _time, nullable=False),
    Column("used_at", _time),
    Index(None, "account_id"),
    Index(None, "expires_at"),
)

#: The e-mail addresses that accounts had before, kept for some days: their owners are told.
former_addresses = Table(
    "former_addresses",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("email", Text, nullable=False),
    Column("replaced_at", _time, nullable=False, server_default=_NOW),
    Index(None, "account_id"),
    Index(None, "replaced_at"),
)

#: The newest code that a browser asked for to prove an address without an account; the code is not stored
#: (`ledger/mail_tokens.py`). `issue`: how many it asked for. `tries`: with this one. Rows are deleted soon after they expire.
contact_codes = Table(
    "contact_codes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False),
    Column("browser_hash", LargeBinary, nullable=False),
    Column("issue", Integer, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("created_at", _time, nullable=False, server_default=_NOW),
    Column("expires_at", _time, nullable=False),
    Column("used_at", _time),
    UniqueConstraint("browser_hash", "email"),
    Index(None, "expires_at"),
)
