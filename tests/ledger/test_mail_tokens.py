import string
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import TokenUnknown
from ledger.keys import Keyring
from ledger.mail_tokens import CODE_DIGITS, LENGTH, MailTokens

TOKENS = MailTokens(Keyring({1: b"1" * 32, 2: b"2" * 32}))
IDS, ISSUES = st.uuids(), st.integers(0, 2**32 - 1)
PURPOSES = st.sampled_from(("reset-password", "verify-email", "sign-in", "manage", ""))


@given(PURPOSES, IDS, ISSUES)
def test_token_says_for_what_it_was_made(purpose: str, id_: UUID, issue: int) -> None:
    token = TOKENS.token(purpose, id_, issue)
    assert len(token) == LENGTH
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")
    assert TOKENS.read(purpose, token) == (id_, issue)


@given(PURPOSES, PURPOSES, IDS, ISSUES)
def test_token_of_one_purpose_is_none_of_another(purpose: str, other: str, id_: UUID, issue: int) -> None:
    if purpose != other:
        with pytest.raises(TokenUnknown):
            TOKENS.read(other, TOKENS.token(purpose, id_, issue))


@given(IDS, st.integers(0, LENGTH - 1), st.sampled_from(string.ascii_letters + string.digits + "-_=+/ é"))
def test_no_character_can_be_changed(id_: UUID, place: int, character: str) -> None:
    token = TOKENS.token("sign-in", id_)
    changed = token[:place] + character + token[place + 1 :]
    if changed != token:
        with pytest.raises(TokenUnknown):
            TOKENS.read("sign-in", changed)


@given(st.text(max_size=60))
def test_other_texts_are_no_tokens(text: str) -> None:
    with pytest.raises(TokenUnknown):
        TOKENS.read("sign-in", text)


def test_part_of_a_token_is_none() -> None:
    token = TOKENS.token("sign-in", uuid4())
    for part in (token[:-1], token[1:], token + "A", token + "=", f" {token}", ""):
        with pytest.raises(TokenUnknown):
            TOKENS.read("sign-in", part)


def test_tokens_survive_a_new_key_but_not_a_lost_one() -> None:
    old = MailTokens(Keyring({1: b"1" * 32}))
    id_ = uuid4()
    assert TOKENS.read("sign-in", old.token("sign-in", id_)) == (id_, 0)
    with pytest.raises(TokenUnknown):
        old.read("sign-in", TOKENS.token("sign-in", id_))


@given(IDS, ISSUES)
def test_codes_are_digits_of_their_row(id_: UUID, issue: int) -> None:
    code = TOKENS.code("contact", id_, issue)
    assert len(code) == CODE_DIGITS
    assert code.isdecimal()
    assert code == TOKENS.code("contact", id_, issue)


def test_codes_differ() -> None:
    id_ = uuid4()
    codes = {TOKENS.code(purpose, id_, issue) for purpose in ("contact", "sign-in") for issue in range(50)}
    assert len(codes) > 95
