"""The errors of commands about promo codes: problems, as those of `errors.py`."""

from ledger.errors import NotFound, RetryableError, RuleBroken, SeatledgerError


class CodeUnknown(SeatledgerError, status=422, title="No such code"):
    """This event has no such code: it was mistyped, or is for another event."""

    def __init__(self) -> None:
        super().__init__("This event has no such code.")


class CodeNotValidNow(RuleBroken, title="Code not valid now"):
    """The code is valid from `valid_from` until `valid_until`, if it was not withdrawn.

    Both are RFC 3339 times; one that does not exist is left out, both of a code that was withdrawn.
    """

    def __init__(self, valid_from: str | None = None, valid_until: str | None = None) -> None:
        spans = [f"from {valid_from}" * (valid_from is not None), f"until {valid_until}" * (valid_until is not None)]
        span = " ".join(filter(None, spans))
        detail = f"The code is valid {span}." if span else "The code is not valid any more."
        super().__init__(detail, valid_from=valid_from, valid_until=valid_until)


class CodeNotForCategory(RuleBroken, title="Code not for these tickets"):
    """The code is for other categories than those that you chose: see `categories`, their names."""

    def __init__(self, categories: list[str]) -> None:
        super().__init__(f"The code is for {', '.join(categories) or 'no category any more'}.", categories=categories)


class CodeSpent(RuleBroken, title="Code is used up"):
    """The code is good for `left` tickets more, less than you chose."""

    def __init__(self, left: int) -> None:
        more = "no more tickets" if left == 0 else f"{left} ticket{'s' if left != 1 else ''} more"
        super().__init__(f"The code is good for {more}.", left=left)


class CodeRequired(RuleBroken):
    """The category is sold only with a code, which you did not send."""

    def __init__(self, category: str) -> None:
        super().__init__(f"{category} is sold only with a code.", category=category)


class CodesNotFound(NotFound, title="No such codes"):
    """The event has no batch of codes with this id."""

    def __init__(self) -> None:
        super().__init__("The event has no codes with this id.")


class CodesAlreadyWithdrawn(RuleBroken, title="Codes were withdrawn"):
    """The codes were withdrawn already."""

    def __init__(self) -> None:
        super().__init__("These codes were withdrawn already.")


class TooManyCodes(RetryableError, status=429, title="Too many wrong codes"):
    """Too many codes that do not exist came from your address in this minute. Nothing was ordered. Try again after `Retry-After`
    seconds."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("Too many wrong codes in a minute. Wait a little.")
        self.retry_after_seconds = retry_after_seconds


class CodeTaken(RuleBroken):
    """The event has another code with this text. Withdraw that one first, or choose another text."""

    def __init__(self) -> None:
        super().__init__("The event has this code already.")
