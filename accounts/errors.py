"""The errors of accounts, as those of `ledger/errors.py`: one class per reason, each a problem."""

from collections.abc import Callable

from starlette.responses import Response

from ledger.errors import Malformed, NotFound, RetryableError, RuleBroken, SeatledgerError


class EmailTaken(RuleBroken, title="E-mail address taken"):
    """An account with this e-mail address exists. Log in, or use another address."""

    def __init__(self) -> None:
        super().__init__("There is an account with this e-mail address already.")


class LastAdmin(RuleBroken):
    """There must be at least one admin. Give another account the role admin first."""

    def __init__(self) -> None:
        super().__init__("This is the last admin who can log in: make another one first.")


class ErasureRefused(RuleBroken, title="Account can't be erased yet"):
    """First cancel your upcoming bookings, and complete or cancel your events.

    The detail says what has to be done first.
    """


class AccountNotFound(NotFound, title="No such account"):
    """No account has this id."""

    def __init__(self) -> None:
        super().__init__("There is no account with this id.")


class WrongCredentials(SeatledgerError, status=401):
    """The e-mail address or the password is wrong, or the account is disabled.

    It must not tell which.
    """

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class WrongPassword(Malformed):
    """The password is wrong: nothing was changed.

    Of a signed-in account. Not 401, since its session is still valid.
    """

    def __init__(self, path: str = "old_password") -> None:
        super().__init__("The password is wrong.", errors=[{"path": path, "message": "wrong password"}])


class WeakPassword(Malformed):
    """Common passwords, simple patterns, and your own name or e-mail address are guessed first. Choose another password."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, errors=[{"path": "password", "message": f"{reason} Choose another one."}])


class WrongCode(Malformed):
    """The code is missing, wrong, or was used already: each is valid once, for about a minute.

    Of the second factor of a signed-in account.
    """

    def __init__(self) -> None:
        super().__init__("The code is missing, wrong, or was used already.", errors=[{"path": "code", "message": "wrong code"}])


class WrongMailedCode(Malformed, title="Wrong code"):
    """The code is not that of the newest mail to this address. After five wrong codes, ask for another mail."""

    def __init__(self) -> None:
        message = "The code is wrong. The newest mail has the right one."
        super().__init__(message, errors=[{"path": "code", "message": message}])


class GuestSecretMissing(Malformed):
    """Without a log-in an Idempotency-Key belongs to a browser or program: send `Guest-Secret`, or the cookie that this
    response has set.

    `give`: sets the cookie of a browser in the response, which then can try again.
    """

    def __init__(self, give: Callable[[Response], object]) -> None:
        message = "needs a Guest-Secret, or the cookie that this response sets: else somebody else's key could be the same"
        super().__init__(f"Idempotency-Key {message}.", errors=[{"path": "Idempotency-Key", "message": message}])
        self.give = give


class SecondFactorRequired(SeatledgerError, status=401):
    """The password is right. Send `code`, too: six digits of your authenticator app, or a recovery code. Each is valid once.

    `is_wrong`: a code was sent, which was wrong.
    """

    def __init__(self, *, is_wrong: bool = False) -> None:
        super().__init__("The code is wrong, or was used already." if is_wrong else "Send the code of your second factor, too.")
        self.is_wrong = is_wrong


class SecondFactorMissing(SeatledgerError, status=403):
    """Your role requires a second factor here: `POST /api/me/second-factor`. Until then you can do nothing else.

    REQUIRE_SECOND_FACTOR names the role of this account.
    """

    def __init__(self) -> None:
        super().__init__("Set a second factor first: your role requires one here.")


class SecondFactorExists(RuleBroken):
    """Remove the second factor before you set another one."""

    def __init__(self) -> None:
        super().__init__("The account has a second factor: remove it first.")


class SecondFactorNotFound(NotFound, title="No second factor"):
    """The account has no second factor."""

    def __init__(self) -> None:
        super().__init__("The account has no second factor.")


class SessionNotFound(NotFound, title="No such session"):
    """You have no session with this id: it may have ended."""

    def __init__(self) -> None:
        super().__init__("You have no session with this id.")


class ReauthenticationRequired(SeatledgerError, status=403, title="Password required again"):
    """This needs a password that was given within the last 15 minutes: `POST /api/me/reauthenticate`, or log in again."""

    def __init__(self) -> None:
        super().__init__("Give your password again: it was given too long ago for this.")


class LinkOfAnother(SeatledgerError, status=403, title="Link of another account"):
    """Sign in to the account whose address the link confirms, and open it again."""

    def __init__(self) -> None:
        super().__init__("This link confirms the address of another account than the one that you are signed in to.")


class NotSignedIn(SeatledgerError, status=401):
    """Log in, and send the token as `Authorization: Bearer …`.

    `by_cookie`: a browser sent an invalid cookie; the response should delete it (`access.clear_cookies`), since no script can.
    """

    def __init__(self, *, by_cookie: bool = False) -> None:
        super().__init__("Sign in first: the token is missing, unknown, expired or revoked.")
        self.by_cookie = by_cookie


class AccountUnverified(SeatledgerError, status=403, title="Address not confirmed"):
    """Open the link in the mail that confirms your account's e-mail address, and try again: `POST /api/me/email/verify` mails
    another one."""

    def __init__(self) -> None:
        super().__init__("Confirm the e-mail address of your account first.")


class LinkSuperseded(SeatledgerError, status=410):
    """A newer mail about the booking has the link that works; or the booking is in an account now: log in."""

    def __init__(self) -> None:
        super().__init__("This link is no longer valid: a newer one was mailed, or the booking is in an account now.")


class Forbidden(SeatledgerError, status=403, title="Role not permitted"):
    """Your role may not do this. An admin can change roles."""

    def __init__(self) -> None:
        super().__init__("Your role may not do this.")


class CsrfMissing(SeatledgerError, status=403, title="CSRF token missing"):
    """With the session cookie, send the cookie `seatledger_csrf` as header X-CSRF-Token too."""

    def __init__(self) -> None:
        super().__init__("Send the value of the cookie seatledger_csrf as header X-CSRF-Token.")


class TokenExpired(SeatledgerError, status=410, title="Link expired"):
    """Links of mails are valid for 30 minutes, unless the mail says otherwise, and until the password or the e-mail address
    changes. Ask for a new one."""

    def __init__(self) -> None:
        super().__init__("This link is no longer valid: ask for a new one.")


class TokenUsed(SeatledgerError, status=410, title="Link used"):
    """Each link of a mail works once. Ask for a new one."""

    def __init__(self) -> None:
        super().__init__("This link was used already: ask for a new one.")


class MailOff(RuleBroken, title="No mail"):
    """This installation sends no mail: MAIL_URL is not set. Its operator sets passwords with `python -m accounts
    reset-password`."""

    def __init__(self) -> None:
        super().__init__("This installation sends no mail. Ask its operator.")


class TooManyAttempts(RetryableError, status=429):
    """Wait `Retry-After` seconds before the next log-in or sign-up."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("Too many attempts: wait a little.")
        self.retry_after_seconds = retry_after_seconds
