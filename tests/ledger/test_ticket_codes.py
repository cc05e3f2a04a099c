"""Ticket codes: each identifies its ticket, and can't be forged."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import InvalidCode, WrongEvent
from ledger.keys import Keyring, KeysError
from ledger.ticket_codes import TicketCodes, TicketLocation

EVENT, OTHER_EVENT = UUID(int=0xE001), UUID(int=0xE002)
OLD_KEY, NEW_KEY = bytes(32), bytes(range(32))
CODES = TicketCodes(Keyring({1: OLD_KEY}))
CODE = CODES.code(EVENT, TicketLocation(41, 7), 1)
SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_a_code_never_changes() -> None:
    """Codes are printed on paper: with another format they would be refused at the entrance."""
    assert CODE == "07G0-2000-00MG-01TN-MAEN-NA7N-N5JF-VWG"


@given(st.uuids(), st.integers(1, 2**32 - 1), st.integers(0, 2**16 - 1))
def test_a_code_leads_to_the_location_of_its_ticket(event_id: UUID, version: int, ticket: int) -> None:
    place = TicketLocation(version, ticket)
    assert CODES.read(event_id, CODES.code(event_id, place, 1)) == place


def test_no_two_tickets_share_a_code() -> None:
    places = [TicketLocation(version, ticket) for version in range(1, 60) for ticket in range(60)]
    assert len({CODES.code(EVENT, place, 1) for place in places}) == len(places)


def test_a_code_of_another_event_is_recognized() -> None:
    with pytest.raises(WrongEvent):
        CODES.read(OTHER_EVENT, CODE)


def test_a_code_is_not_valid_for_an_event_with_the_same_tag() -> None:
    with pytest.raises(InvalidCode):
        CODES.read(UUID(int=EVENT.int + (1 << 64)), CODE)


@pytest.mark.parametrize("position", [position for position, char in enumerate(CODE) if char != "-"])
def test_a_code_with_another_character_is_invalid(position: int) -> None:
    for symbol in set(SYMBOLS) - {CODE[position]}:
        with pytest.raises((InvalidCode, WrongEvent)):
            CODES.read(EVENT, CODE[:position] + symbol + CODE[position + 1 :])


@pytest.mark.parametrize("written", [CODE.lower(), CODE.replace("-", ""), CODE.replace("-", " "), f"  {CODE}\n", "-".join(CODE)])
def test_a_code_is_read_in_every_way_of_writing(written: str) -> None:
    assert CODES.read(EVENT, written) == TicketLocation(41, 7)


@pytest.mark.parametrize(("read_as", "meant"), [("O", "0"), ("o", "0"), ("I", "1"), ("i", "1"), ("L", "1"), ("l", "1")])
def test_letters_that_look_like_digits_are_read_as_digits(read_as: str, meant: str) -> None:
    code = next(code for ticket in range(200) if meant in (code := CODES.code(EVENT, TicketLocation(41, ticket), 1))[5:])
    assert CODES.read(EVENT, code.replace(meant, read_as)) == CODES.read(EVENT, code)


@pytest.mark.parametrize(
    "text", ["", "-", "U" * 31, CODE[:-1], CODE + "0", "0" * 31, "é" * 31, "\x00" * 31, "٣" * 31, "Z" * 10_000]
)
def test_other_text_is_an_invalid_code(text: str) -> None:
    with pytest.raises(InvalidCode):
        CODES.read(EVENT, text)


def test_a_new_key_keeps_old_codes_valid() -> None:
    both = TicketCodes(Keyring({1: OLD_KEY, 2: NEW_KEY}))
    assert both.newest_key == 2
    assert both.code(EVENT, TicketLocation(41, 7), 1) == CODE
    assert both.read(EVENT, CODE) == TicketLocation(41, 7)
    assert both.read(EVENT, both.code(EVENT, TicketLocation(41, 7), 2)) == TicketLocation(41, 7)


def test_a_code_without_its_key_is_invalid() -> None:
    rest = TicketCodes(Keyring({2: NEW_KEY}))
    with pytest.raises(InvalidCode):
        rest.read(EVENT, CODE)
    with pytest.raises(KeysError, match="version 1 is missing"):
        rest.code(EVENT, TicketLocation(41, 7), 1)


def test_another_key_makes_other_codes() -> None:
    with pytest.raises(InvalidCode):
        TicketCodes(Keyring({1: NEW_KEY})).read(EVENT, CODE)
