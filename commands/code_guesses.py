"""A limit of promo codes that do not exist: a derived code can't be guessed anyway, a word can."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from fastapi import Request

from ledger.client_limits import RateLimiter
from ledger.code_errors import CodeUnknown, TooManyCodes
from ledger.errors import TooManyRequests

#: Of one address, which several people may share; with those that are under way.
WRONG_CODES_PER_MINUTE = 20
_WITHOUT_CODE = nullcontext()


class CodeGuesses:
    """In `app.state.code_guesses`; of this process."""

    def __init__(self, per_minute: int = WRONG_CODES_PER_MINUTE) -> None:
        self._wrong = RateLimiter(per_minute)

    def watched(self, client: str, code: str | None) -> AbstractContextManager[None]:
        """Around an order with this code. Raises TooManyCodes if the client has tried too many that are unknown."""
        return _WITHOUT_CODE if code is None else self._watched(client)

    @contextmanager
    def _watched(self, client: str) -> Iterator[None]:
        """What is under way counts, so that nobody tries many at once."""
        try:
            self._wrong.count(client)
        except TooManyRequests as error:
            raise TooManyCodes(error.retry_after_seconds) from None
        is_wrong = False
        try:
            yield
        except CodeUnknown:
            is_wrong = True
            raise
        finally:
            if not is_wrong:
                self._wrong.take_back(client)


def code_guesses_of(request: Request) -> CodeGuesses:
    guesses: CodeGuesses = request.app.state.code_guesses
    return guesses
