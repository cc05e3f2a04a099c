"""Which new passwords are refused, because they are among the first that are guessed: common ones, patterns, words of the product,
and a person's own name and e-mail address. Existing passwords stay valid."""

import unicodedata
from functools import cache
from itertools import pairwise
from pathlib import Path

from accounts.errors import WeakPassword

_LIST = Path(__file__).parent / "common_passwords.txt"
#: What people add to a password that was refused.
_ADDED = "0123456789!?.,*#$@+-_ "
#: What anybody thinks of here; also in the plural, two of them, and with something added.
_PRODUCT = ("seatledger", "seat", "ledger", "ticket", "booking", "event", "concert", "organizer", "organiser", "customer")
#: Shorter parts of a name are no password.
_MIN_OWN = 4


def check(password: str, *, email: str, name: str) -> None:
    """Raises WeakPassword."""
    text = unicodedata.normalize("NFKC", password).casefold()
    base = text.rstrip(_ADDED)
    if text in _common() or base in _common():
        raise WeakPassword("This is one of the most common passwords.")
    if len(set(text)) <= 2 or _is_run(text):
        raise WeakPassword("This password is a simple pattern.")
    if _letters(base) in _of_product():
        raise WeakPassword("This password is a word of this application.")
    if _letters(base) in _own(email, name):
        raise WeakPassword("This password is your name or e-mail address.")


@cache
def _common() -> frozenset[str]:
    return frozenset(line for line in _LIST.read_text("utf-8").splitlines() if not line.startswith("#"))


@cache
def _of_product() -> frozenset[str]:
    words = {form for word in _PRODUCT for form in (word, f"{word}s")}
    return frozenset({*words, *(first + second for first in words for second in words)})


def _is_run(text: str) -> bool:
    """Whether each character is the next one, or the one before: `abcdefgh`, `87654321`."""
    steps = {ord(after) - ord(before) for before, after in pairwise(text)}
    return steps in ({1}, {-1})


def _own(email: str, name: str) -> set[str]:
    """The e-mail address, its parts and the name and its parts, alone and twice."""
    local, _, domain = email.casefold().partition("@")
    folded = unicodedata.normalize("NFKC", name).casefold()
    own = {_letters(text) for text in (email.casefold(), local, domain, domain.partition(".")[0], folded, *folded.split())}
    return {text for one in own if len(one) >= _MIN_OWN for text in (one, one * 2, one[::-1])}


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum()).rstrip("0123456789")
