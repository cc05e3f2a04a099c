"""The errors of accounts, one class per reason. `app/problems.py` maps each to the HTTP status that its docstring names."""

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
    """422: a signed-in account sent a wrong old password. Not 401, since its session is still valid."""

    def __init__(self) -> None:
        super().__init__("The old password is wrong.", errors=[{"path": "old_password", "message": "wrong password"}])


class NotSignedIn(SeatledgerError):
    """401, with `WWW-Authenticate: Bearer`. `by_cookie`: a browser sent an invalid cookie; the response should delete it
    (`access.clear_cookies`), since no script can."""

    def __init__(self, *, by_cookie: bool = False) -> None:
        super().__init__("Sign in first: the token is missing, unknown, expired or revoked.")
        self.by_cookie = by_cookie


class Forbidden(SeatledgerError):
    """403"""

    def __init__(self) -> None:
        super().__init__("Your role may not do this.")


class CsrfMissing(SeatledgerError):
    """403"""

    def __init__(self) -> None:
        super().__init__("Send the value of the cookie seatledger_csrf as header X-CSRF-Token.")


class TooManyAttempts(RetryableError):
    """429"""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("Too many attempts: wait a little.")
        self.retry_after_seconds = retry_after_seconds
