"""Tokens: opaque, random, stored as SHA-256 only; and the cache that makes them cheap. A revocation takes effect within 2 s.

Every process asks the database each POLL_SECONDS which tokens were revoked within the last WINDOW, and forgets them. A cache whose
last successful poll started more than TRUST_SECONDS ago is not used (each token is looked up in the database), and starts empty
afterwards. If a token is revoked while it is looked up, the next polls find it: the window is much longer than a look-up may take.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import msgspec
from cachetools import LRUCache

from accounts import errors
from accounts.database import Cursor, Pool, one_statement, transaction
from ledger.commands import Actor, Role
from ledger.concurrency import BackgroundTasks, supervise
from ledger.deadline import remaining_seconds
from ledger.errors import Busy
from ledger.request_trace import add_phase

POLL_SECONDS = 0.5
TRUST_SECONDS = 1.5
WINDOW = timedelta(seconds=10)
#: If the database's clock has stepped further than this between two polls, the window may have missed a revocation.
CLOCK_STEP_SECONDS = 2.0
LOOK_UP_SECONDS = 2.0
MAX_CACHED = 50_000
#: Tokens that wait for their look-up.
MAX_WANTED = 5_000
LOOK_UP_BATCH = 500
#: How often the use of tokens is stored, how many in one statement, and how long none is stored again.
SEEN_SECONDS = 60.0
SEEN_BATCH = 1_000
SEEN_AGAIN = timedelta(minutes=5)
CLEANING_SECONDS = 3600
CLEANING_BATCH = 5_000
#: Tokens of one account that are valid at the same time; past it the oldest is revoked.
MAX_TOKENS = 500

_log = logging.getLogger(__name__)


class Principal(msgspec.Struct, frozen=True, gc=False):
    """The account that sends a request, without personal data. `expires_at` is in seconds since 1970. `lacks_factor`: its role
    requires a second factor, and it has none. `claimed`: the contacts whose bookings are the account's, too."""

    id: UUID
    role: Role
    token_hash: bytes
    expires_at: float
    lacks_factor: bool = False
    claimed: frozenset[UUID] = frozenset()

    @property
    def actor(self) -> Actor:
        return Actor(self.id, self.role, self.claimed)

    @property
    def ids(self) -> frozenset[UUID]:
        """All ids of the person."""
        return self.claimed | {self.id}


def new_token() -> tuple[str, bytes]:
    """A token of 43 characters (256 bits), and its hash."""
    token = secrets.token_urlsafe(32)
    return token, hash_of(token)


def hash_of(token: str) -> bytes:
    return sha256(token.encode()).digest()


async def check_open(cursor: Cursor, token_hash: bytes) -> None:
    """For a transaction that has locked the account: nobody ends the session before its end. Raises NotSignedIn."""
    await cursor.execute("SELECT FROM tokens WHERE token_hash = %s AND revoked_at IS NULL AND expires_at > now()", (token_hash,))
    if not cursor.rowcount:
        raise errors.NotSignedIn


async def revoke(cursor: Cursor, account_id: UUID, *, keep: bytes | None = None) -> None:
    """Revokes every token of an account except `keep`. By clock_timestamp(), since the transaction may have waited for a lock."""
    await cursor.execute(
        "UPDATE tokens SET revoked_at = clock_timestamp()"
        " WHERE account_id = %s AND revoked_at IS NULL AND token_hash IS DISTINCT FROM %s",
        (account_id, keep),
    )


class AccessCache:
    """Token hash -> Principal. `find` costs one dict look-up if the token is cached; concurrent misses share a statement."""

    def __init__(self, pool: Pool, *, second_factor_of: str = "") -> None:
        """`second_factor_of`: the role that requires a second factor; empty: none."""
        self._pool, self._second_factor_of = pool, second_factor_of
        self._seen: set[bytes] = set()
        self._known = _Principals(MAX_CACHED)
        self._trusted_until = 0.0
        self._clock_offset: float | None = None
        self._wanted: dict[bytes, asyncio.Future[Principal | None]] = {}
        self._finder: asyncio.Task[None] | None = None
        self._tasks = BackgroundTasks()
        self._clean_at = self._note_seen_at = 0.0

    async def find(self, token_hash: bytes) -> Principal | None:
        """The account of a token. None: the token is unknown, expired or revoked, or its account is disabled. Raises Busy if the
        database does not reply in time."""
        principal = self._known.get(token_hash) if time.monotonic() < self._trusted_until else None
        if principal is None:
            principal = await self._look_up(token_hash)
        if principal is None or principal.expires_at <= time.time():
            return None
        if len(self._seen) < MAX_CACHED:
            self._seen.add(token_hash)
        return principal

    def forget(self, token_hash: bytes) -> None:
        self._known.pop(token_hash, None)

    def forget_account(self, account_id: UUID) -> None:
        for token_hash in self._known.hashes_of(account_id):
            self.forget(token_hash)

    async def start(self) -> None:
        """Starts to poll. The cache is not used before the first poll has succeeded."""
        self._clean_at = time.monotonic() + secrets.randbelow(600)  # so that not all processes clean at the same time
        self._note_seen_at = time.monotonic() + SEEN_SECONDS
        poll = supervise(self._poll_and_clean, log=_log, failure="Polling for revoked tokens failed", pause_seconds=POLL_SECONDS)
        self._tasks.spawn(poll, name="access-cache")

    async def stop(self) -> None:
        await self._tasks.stop()
        self._trusted_until = 0.0

    # --- looking up

    async def _look_up(self, token_hash: bytes) -> Principal | None:
        lookup = self._wanted.get(token_hash)
        if lookup is None:
            if len(self._wanted) >= MAX_WANTED:
                raise Busy
            lookup = self._wanted[token_hash] = asyncio.get_running_loop().create_future()
            if self._finder is None or self._finder.done():
                self._finder = self._tasks.spawn(self._find_wanted(), name="token-look-ups")
        began = time.monotonic()
        try:
            return await asyncio.wait_for(asyncio.shield(lookup), remaining_seconds(LOOK_UP_SECONDS))
        except TimeoutError:
            raise Busy from None
        finally:
            add_phase("token", time.monotonic() - began)

    async def _find_wanted(self) -> None:
        """One statement at a time, for all tokens that were wanted while the last one ran."""
        while self._wanted:
            batch = dict(list(self._wanted.items())[:LOOK_UP_BATCH])
            try:
                principals = await self._select(list(batch))
            except Exception as error:  # noqa: BLE001 - every caller must get a result
                if not isinstance(error, Busy):
                    _log.exception("Looking up tokens failed")
                self._resolve(batch, error=Busy())
            except BaseException:
                self._resolve(batch, error=Busy())
                raise
            else:
                self._resolve(batch, principals)

    def _resolve(
        self,
        batch: dict[bytes, asyncio.Future[Principal | None]],
        principals: dict[bytes, Principal] | None = None,
        error: Exception | None = None,
    ) -> None:
        trusted = time.monotonic() < self._trusted_until
        for token_hash, lookup in batch.items():
            del self._wanted[token_hash]
            if principals is None:
                lookup.set_exception(error or Busy())
                lookup.exception()  # retrieved: every caller may have been cancelled
                continue
            principal = principals.get(token_hash)
            if principal is not None and trusted:
                self._known[token_hash] = principal
            lookup.set_result(principal)

    async def _select(self, token_hashes: list[bytes]) -> dict[bytes, Principal]:
        async with one_statement(self._pool, seconds=LOOK_UP_SECONDS) as cursor:
            await cursor.execute(
                "SELECT t.token_hash, a.id, a.role, t.expires_at, a.role = %s AND NOT EXISTS (SELECT FROM second_factors f"
                " WHERE f.account_id = a.id AND f.confirmed_at IS NOT NULL), ARRAY(SELECT c.id FROM accounts c"
                " WHERE c.claimed_by = a.id) FROM tokens t JOIN accounts a ON a.id = t.account_id"
                " WHERE t.token_hash = ANY(%s) AND t.revoked_at IS NULL AND t.expires_at > now() AND NOT a.disabled",
                (self._second_factor_of, token_hashes),
            )
            return {
                token_hash: Principal(account_id, Role(role), token_hash, expires_at.timestamp(), lacks_factor, frozenset(claimed))
                async for token_hash, account_id, role, expires_at, lacks_factor, claimed in cursor
            }

    # --- polling

    async def _poll_and_clean(self) -> None:
        await self.poll()
        if time.monotonic() >= self._note_seen_at:
            self._note_seen_at = time.monotonic() + SEEN_SECONDS
            await self.note_seen()
        if time.monotonic() >= self._clean_at:
            deleted = await self.clean()
            self._clean_at = time.monotonic() + (CLEANING_SECONDS if deleted < CLEANING_BATCH else POLL_SECONDS)
        await asyncio.sleep(POLL_SECONDS)

    async def poll(self) -> None:
        """Forgets the tokens that were revoked within WINDOW. The cache may be used for TRUST_SECONDS from the poll's start."""
        started = time.monotonic()
        async with one_statement(self._pool, seconds=TRUST_SECONDS - POLL_SECONDS) as cursor:
            await cursor.execute(
                "SELECT extract(epoch FROM clock_timestamp())::float8, NULL::bytea, NULL::uuid"
                " UNION ALL SELECT NULL, token_hash, NULL FROM tokens WHERE revoked_at > now() - %(window)s"
                " UNION ALL SELECT NULL, NULL, id FROM accounts WHERE access_changed_at > now() - %(window)s",
                {"window": WINDOW},
            )
            rows = await cursor.fetchall()
        stepped = self._clock_stepped(started, rows[0][0])
        if stepped or started >= self._trusted_until:
            self._known.clear()
        for _, token_hash, account_id in rows[1:]:
            if token_hash is not None:
                self.forget(token_hash)
            else:
                self.forget_account(account_id)
        self._trusted_until = started + TRUST_SECONDS

    def _clock_stepped(self, started: float, database_time: float) -> bool:
        offset = database_time - started
        before, self._clock_offset = self._clock_offset, offset
        return before is not None and abs(offset - before) > CLOCK_STEP_SECONDS

    async def note_seen(self) -> None:
        """Stores which tokens were used since the last time: each at most once in SEEN_AGAIN. Off the path of requests; a row that
        is locked is left to the next time, so nothing waits for another transaction."""
        seen, self._seen = list(self._seen), set()
        for start in range(0, len(seen), SEEN_BATCH):
            async with one_statement(self._pool, changes=True) as cursor:
                await cursor.execute(
                    "UPDATE tokens SET last_seen_at = now() WHERE token_hash IN (SELECT token_hash FROM tokens"
                    " WHERE token_hash = ANY(%s) AND coalesce(last_seen_at, created_at) < now() - %s::interval"
                    " FOR UPDATE SKIP LOCKED)",
                    (seen[start : start + SEEN_BATCH], SEEN_AGAIN),
                )

    async def clean(self) -> int:
        """Deletes at most CLEANING_BATCH tokens that expired or were revoked more than a day ago. Returns their number."""
        async with transaction(self._pool) as cursor:
            await cursor.execute(
                "DELETE FROM tokens WHERE token_hash IN (SELECT token_hash FROM tokens WHERE expires_at < now() - interval '1 day'"
                " OR revoked_at < now() - interval '1 day' LIMIT %s FOR UPDATE SKIP LOCKED)",
                (CLEANING_BATCH,),
            )
            return cursor.rowcount


class _Principals(LRUCache[bytes, Principal]):
    """An LRU cache with an index by account. The index holds tuples of bytes, which the garbage collector does not traverse."""

    def __init__(self, maxsize: int) -> None:
        super().__init__(maxsize)
        self._hashes: dict[UUID, tuple[bytes, ...]] = {}

    def hashes_of(self, account_id: UUID) -> Iterator[bytes]:
        return iter(self._hashes.get(account_id, ()))

    def __setitem__(self, token_hash: bytes, principal: Principal) -> None:
        self.pop(token_hash, None)
        super().__setitem__(token_hash, principal)
        self._hashes[principal.id] = (*self._hashes.get(principal.id, ()), token_hash)

    def __delitem__(self, token_hash: bytes) -> None:
        account_id = self[token_hash].id
        super().__delitem__(token_hash)
        left = tuple(other for other in self._hashes[account_id] if other != token_hash)
        if left:
            self._hashes[account_id] = left
        else:
            del self._hashes[account_id]

    def clear(self) -> None:
        super().clear()
        self._hashes.clear()
