"""The contacts of people who book without an account: rows of `accounts` with `contact_email` and `guest_of`.

Nobody has proved the address of an unproven booking, so each gets a contact of its own: else anybody could use up another's limit.
The proven bookings of one address at one organizer share one, so that a limit holds over them. Ids are random, since the ledger
keeps them.
"""

from uuid import UUID, uuid4

from accounts import claims
from accounts.database import Pool, one_statement, transaction
from accounts.directory import Contact
from ledger.commands import Role
from ledger.mail_choices import FORGET_BOUNCES


class GuestContacts:
    """Methods raise Busy or OutcomeUnknown if the database is overloaded."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(self, organizer_id: UUID, name: str, email: str) -> UUID:
        """A new contact with this address, which nobody has proved."""
        contact_id = uuid4()
        async with one_statement(self._pool, changes=True) as cursor:
            await cursor.execute(
                "INSERT INTO accounts (id, name, guest_of, contact_email, role) VALUES (%s, %s, %s, %s, %s)",
                (contact_id, name, organizer_id, email, Role.CUSTOMER),
            )
        return contact_id

    async def find_or_create_proven(self, organizer_id: UUID, name: str, email: str) -> Contact:
        """The contact of whoever has proved this address, at this organizer. It takes the name that they give last. If an account
        has proved the address, too, they are one person, and it claims the contact."""
        async with transaction(self._pool) as cursor:
            owner_id = await claims.lock_owner(cursor, email)
            await cursor.execute(
                "UPDATE accounts SET name = %s, email_proven_at = now() WHERE id = (SELECT id FROM accounts WHERE guest_of = %s"
                " AND contact_email = %s AND email_proven_at IS NOT NULL AND claimed_by = %s LIMIT 1) RETURNING id",
                (name, organizer_id, email, owner_id),
            )
            row = await cursor.fetchone()
            if row is None:
                await cursor.execute(
                    "INSERT INTO accounts (id, name, guest_of, contact_email, role, email_proven_at)"
                    " VALUES (%s, %s, %s, %s, %s, now()) ON CONFLICT (guest_of, contact_email)"
                    " WHERE guest_of IS NOT NULL AND email_proven_at IS NOT NULL AND claimed_by IS NULL"
                    " DO UPDATE SET name = excluded.name, email_proven_at = excluded.email_proven_at RETURNING id",
                    (uuid4(), name, organizer_id, email, Role.CUSTOMER),
                )
                row = await cursor.fetchone()
            assert row is not None
            await cursor.execute(FORGET_BOUNCES, row)
            return Contact(row[0], await claims.join(cursor, owner_id, row[0]))

    async def discard(self, contact_id: UUID) -> None:
        """Deletes an unproven contact that has booked nothing. Of others nothing is deleted."""
        async with one_statement(self._pool, changes=True) as cursor:
            await cursor.execute(
                "DELETE FROM accounts WHERE id = %s AND email IS NULL AND guest_of IS NOT NULL AND email_proven_at IS NULL",
                (contact_id,),
            )
