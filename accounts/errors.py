"""The errors of accounts, one class per reason. `app/problems.py` maps each to the HTTP status that its docstring names."""

from collections.abc import Callable

from starlette.responses import Response

from ledger.errors import Malformed, NotFound, RetryableError, RuleBroken, SeatledgerError


class EmailTaken(RuleBroken):
    """409"""

    def __init__(self) -> None:
        super().__init__("There is an account with this e-mail address already.")


class LastAdmin(RuleBroken):
    """409"""

    def __init__(self) -> None:
        super().__init__("This is the last admin who can log in: make another one first.")


class ErasureRefused(RuleBroken):
    """409. The detail says what has to be done first."""


class TooManyGuests(RuleBroken):
    """400, in the one of the other APIs that creates guests without a handle."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"There are {limit:,} users already: no more are made.")


class AccountNotFound(NotFound):
    """404"""

    def __init__(self) -> None:
        super().__init__("There is no account with this id.")


class WrongCredentials(SeatledgerError):
    """401. The same for an unknown e-mail address, a wrong password and a disabled account: it must not tell which."""

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class WrongPassword(Malformed):
    """422: a signed-in account sent a wrong password. Not 401, since its session is still valid."""

    def __init__(self, path: str = "old_password") -> None:
        super().__init__("The password is wrong.", errors=[{"path": path, "message": "wrong password"}])


class WeakPassword(Malformed):
    """422: a new password that is among the first to be guessed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, errors=[{"path": "password", "message": f"{reason} Choose another one."}])


class WrongCode(Malformed):
    """422: a signed-in account sent no code of its second factor, or a wrong or used one."""

    def __init__(self) -> None:
        super().__init__("The code is missing, wrong, or was used already.", errors=[{"path": "code", "message": "wrong code"}])


class WrongMailedCode(Malformed):
    """422"""

    def __init__(self) -> None:
        message = "The code is wrong. The newest mail has the right one."
        super().__init__(message, errors=[{"path": "code", "message": message}])


class GuestSecretMissing(Malformed):
    """422. `give`: sets the cookie of a browser in the response, which then can try again."""

    def __init__(self, give: Callable[[Response], object]) -> None:
        message = "needs a Guest-Secret, or the cookie that this response sets: else somebody else's key could be the same"
        super().__init__(f"Idempotency-Key {message}.", errors=[{"path": "Idempotency-Key", "message": message}])
        self.give = give


class SecondFactorRequired(SeatledgerError):
    """401: the password of a log-in is right, and the account has a second factor. `is_wrong`: a code was sent, which was wrong."""

    def __init__(self, *, is_wrong: bool = False) -> None:
        super().__init__("The code is wrong, or was used already." if is_wrong else "Send the code of your second factor, too.")
        self.is_wrong = is_wrong


class SecondFactorMissing(SeatledgerError):
    """403: REQUIRE_SECOND_FACTOR names the role of this account, which has none."""

    def __init__(self) -> None:
        super().__init__("Set a second factor first: your role requires one here.")


class SecondFactorExists(RuleBroken):
    """409"""

    def __init__(self) -> None:
        super().__init__("The account has a second factor: remove it first.")


class SecondFactorNotFound(NotFound):
    """404"""

    def __init__(self) -> None:
        super().__init__("The account has no second factor.")


class SessionNotFound(NotFound):
    """404"""

    def __init__(self) -> None:
        super().__init__("You have no session with this id.")


class ReauthenticationRequired(SeatledgerError):
    """403"""

    def __init__(self) -> None:
        super().__init__("Give your password again: it was given too long ago for this.")


class LinkOfAnother(SeatledgerError):
    """403"""

    def __init__(self) -> None:
        super().__init__("This link confirms the address of another account than the one that you are signed in to.")


class NotSignedIn(SeatledgerError):
    """401, with `WWW-Authenticate: Bearer`. `by_cookie`: a browser sent an invalid cookie; the response should delete it
    (`access.clear_cookies`), since no script can."""

    def __init__(self, *, by_cookie: bool = False) -> None:
        super().__init__("Sign in first: the token is missing, unknown, expired or revoked.")
        self.by_cookie = by_cookie


class AccountUnverified(SeatledgerError):
    """403: the account has not proved that its e-mail address is its person's."""

    def __init__(self) -> None:
        super().__init__("Confirm the e-mail address of your account first.")


class LinkSuperseded(SeatledgerError):
    """410: a link to manage a booking that was revoked, or whose booking is in an account now."""

    def __init__(self) -> None:
        super().__init__("This link is no longer valid: a newer one was mailed, or the booking is in an account now.")


class Forbidden(SeatledgerError):
    """403"""

    def __init__(self) -> None:
        super().__init__("Your role may not do this.")


class CsrfMissing(SeatledgerError):
    """403"""

    def __init__(self) -> None:
        super().__init__("Send the value of the cookie seatledger_csrf as header X-CSRF-Token.")


class TokenExpired(SeatledgerError):
    """410: a link or code of a mail is too old, or its account has changed since."""

    def __init__(self) -> None:
        super().__init__("This link is no longer valid: ask for a new one.")


class TokenUsed(SeatledgerError):
    """410"""

    def __init__(self) -> None:
        super().__init__("This link was used already: ask for a new one.")


class MailOff(RuleBroken):
    """409: this installation sends no mail."""

    def __init__(self) -> None:
        super().__init__("This installation sends no mail. Ask its operator.")


class TooManyAttempts(RetryableError):
    """429"""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("Too many attempts: wait a little.")
        self.retry_after_seconds = retry_after_seconds
