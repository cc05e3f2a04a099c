"""SQL: whom mail does not reach, and who wants mail that nobody needs: reminders, and what organizers write to attendees. Everybody
does who has not said otherwise: by the link of such a mail, or in the account.

A choice is stored for a person, not for an address. But whoever has got a mail has its address: the choice of a contact, and that
of an account with a proven address, holds for everybody with that address. A guest has a new contact for each booking.
"""

#: The customers `holders`, as the people who get their mail: `id`, `told_id` (the customer's), `address`, `is_unproven`.
PEOPLE = """
    SELECT coalesce(owner.id, told.id) AS id, told.id AS told_id, coalesce(owner.email, told.email, told.contact_email) AS address,
        coalesce(owner.email_proven_at, told.email_proven_at) IS NULL AS is_unproven
    FROM holders JOIN accounts AS told ON told.id = holders.customer_id LEFT JOIN accounts AS owner ON owner.id = told.claimed_by"""
#: Which of `people`, as PEOPLE has them, have an address and want optional mail.
WANTED = """
    address IS NOT NULL
    AND id NOT IN (SELECT account_id FROM mail_opt_outs) AND told_id NOT IN (SELECT account_id FROM mail_opt_outs)
    AND address NOT IN (
        SELECT coalesce(a.contact_email, a.email) FROM mail_opt_outs JOIN accounts AS a ON a.id = account_id
        WHERE a.contact_email IS NOT NULL OR (a.email IS NOT NULL AND a.email_proven_at IS NOT NULL))"""

#: No more optional mail for this person; of an erased one nothing is stored. A contact that was claimed since is the account's.
OPT_OUT = """
    INSERT INTO mail_opt_outs (account_id) SELECT coalesce(claimed_by, id) FROM accounts
    WHERE id = %s AND coalesce(email, contact_email) IS NOT NULL ON CONFLICT DO NOTHING"""
#: Optional mail again: also where a choice holds for the person because of the address, if it is proven, or was a contact's.
OPT_IN = """
    DELETE FROM mail_opt_outs USING accounts AS one, accounts AS asked
    WHERE asked.id = (SELECT coalesce(claimed_by, id) FROM accounts WHERE id = %s) AND account_id = one.id
        AND (one.id = asked.id OR one.claimed_by = asked.id OR (
            (asked.contact_email IS NOT NULL OR asked.email_proven_at IS NOT NULL)
            AND coalesce(one.contact_email, one.email) = coalesce(asked.contact_email, asked.email)))"""

#: Whether an account or contact, a row of `accounts`, wants optional mail; as WANTED decides.
ACCOUNT_WANTS = """NOT EXISTS (
    SELECT FROM mail_opt_outs AS choice JOIN accounts AS chooser ON chooser.id = choice.account_id
    WHERE chooser.id = accounts.id OR chooser.claimed_by = accounts.id
        OR chooser.contact_email = coalesce(accounts.email, accounts.contact_email)
        OR (chooser.email_proven_at IS NOT NULL AND chooser.email = coalesce(accounts.email, accounts.contact_email)))"""

#: Whether mails to an address, an SQL expression, come back: everybody's who has it.
BOUNCES = """(
    EXISTS (SELECT FROM accounts AS same JOIN mail_bounces ON account_id = same.id WHERE same.email = {address})
    OR EXISTS (SELECT FROM accounts AS same JOIN mail_bounces ON account_id = same.id WHERE same.contact_email = {address}))"""
ACCOUNT_BOUNCES = BOUNCES.format(address="coalesce(accounts.email, accounts.contact_email)")
#: Mails to the address of an account or contact came back, if it still has it.
BOUNCED = """
    INSERT INTO mail_bounces (account_id, reply) SELECT id, %(reply)s FROM accounts
    WHERE id = %(id)s AND coalesce(email, contact_email) = %(address)s
    ON CONFLICT (account_id) DO UPDATE SET at = now(), reply = excluded.reply"""
#: A mail to the address of an account or contact has arrived: that it came back before, to whomever, is over.
FORGET_BOUNCES = """
    DELETE FROM mail_bounces USING accounts AS proven, accounts AS same
    WHERE proven.id = %s AND coalesce(same.email, same.contact_email) = coalesce(proven.email, proven.contact_email)
        AND mail_bounces.account_id = same.id"""
