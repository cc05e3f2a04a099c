"""Ticket codes: each identifies its ticket, and can't be forged."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import InvalidCode, WrongEvent
from ledger.keys import Keyring, KeysError
from ledger.ticket_codes import TicketCodes, TicketLocation

EVENT, OTHER_EVENT = UUID(int=0xE001), UUID(int=0xE002)
BOOKING, OTHER_BOOKING = UUID(int=0xB001), UUID(int=0xB002)
OLD_KEY, NEW_KEY = bytes(32), bytes(range(32))
CODES = TicketCodes(Keyring({1: OLD_KEY}))
SEAT = TicketLocation(41, 7)
CODE = CODES.code(EVENT, BOOKING, SEAT, CODES.newest_key)
#: Of a booking from before codes covered it.
EARLIER_CODE = CODES.code(EVENT, BOOKING, SEAT, 1)
SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def accepted(codes: TicketCodes, text: str, event_id: UUID = EVENT, booking_id: UUID = BOOKING) -> TicketLocation:
    """The location of a code that is valid at the entrance."""
    code = codes.read(event_id, text)
    codes.check(event_id, booking_id, code.header[0], code)
    return code.location


def test_codes_never_change() -> None:
    """They are printed on paper: with another format they would be refused at the entrance."""
    assert EARLIER_CODE == "07G0-2000-00MG-01TN-MAEN-NA7N-N5JF-VWG"
    assert CODE == "G7G0-2000-00MG-01SH-SV8K-XZV1-29Z6-820"


@given(st.uuids(), st.uuids(), st.integers(1, 2**32 - 1), st.integers(0, 2**16 - 1), st.sampled_from([1, CODES.newest_key]))
def test_a_code_leads_to_the_location_of_its_ticket(event_id: UUID, booking_id: UUID, version: int, ticket: int, key: int) -> None:
    location = TicketLocation(version, ticket)
    assert accepted(CODES, CODES.code(event_id, booking_id, location, key), event_id, booking_id) == location


def test_no_two_tickets_share_a_code() -> None:
    locations = [TicketLocation(version, ticket) for version in range(1, 60) for ticket in range(60)]
    assert len({CODES.code(EVENT, BOOKING, location, 129) for location in locations}) == len(locations)


def test_bookings_at_the_same_location_have_other_codes() -> None:
    """One was lost with the end of the ledger; the other got its version."""
    with pytest.raises(InvalidCode):
        accepted(CODES, CODE, booking_id=OTHER_BOOKING)
    assert accepted(CODES, EARLIER_CODE, booking_id=OTHER_BOOKING) == SEAT, "could not tell"
    with pytest.raises(InvalidCode):  # but it is known of a booking which codes it has
        CODES.check(EVENT, OTHER_BOOKING, CODES.newest_key, CODES.read(EVENT, EARLIER_CODE))


def test_a_code_of_another_event_is_recognized() -> None:
    with pytest.raises(WrongEvent):
        CODES.read(OTHER_EVENT, CODE)


@pytest.mark.parametrize("code", [CODE, EARLIER_CODE])
def test_a_code_is_not_valid_for_an_event_with_the_same_tag(code: str) -> None:
    with pytest.raises(InvalidCode):
        accepted(CODES, code, UUID(int=EVENT.int + (1 << 64)))


@pytest.mark.parametrize("code", [CODE, EARLIER_CODE])
@pytest.mark.parametrize("position", [position for position, char in enumerate(CODE) if char != "-"])
def test_a_code_with_another_character_is_invalid(code: str, position: int) -> None:
    for symbol in set(SYMBOLS) - {code[position]}:
        with pytest.raises((InvalidCode, WrongEvent)):
            accepted(CODES, code[:position] + symbol + code[position + 1 :])


@pytest.mark.parametrize("written", [CODE.lower(), CODE.replace("-", ""), CODE.replace("-", " "), f"  {CODE}\n", "-".join(CODE)])
def test_a_code_is_read_in_every_way_of_writing(written: str) -> None:
    assert accepted(CODES, written) == SEAT


@pytest.mark.parametrize(("read_as", "meant"), [("O", "0"), ("o", "0"), ("I", "1"), ("i", "1"), ("L", "1"), ("l", "1")])
def test_letters_that_look_like_digits_are_read_as_digits(read_as: str, meant: str) -> None:
    codes = (CODES.code(EVENT, BOOKING, TicketLocation(41, ticket), 129) for ticket in range(200))
    code = next(code for code in codes if meant in code[5:])
    assert CODES.read(EVENT, code.replace(meant, read_as)) == CODES.read(EVENT, code)


@pytest.mark.parametrize(
    "text", ["", "-", "U" * 31, CODE[:-1], CODE + "0", "0" * 31, "é" * 31, "\x00" * 31, "٣" * 31, "Z" * 10_000]
)
def test_other_text_is_an_invalid_code(text: str) -> None:
    with pytest.raises(InvalidCode):
        CODES.read(EVENT, text)


def test_a_new_key_keeps_old_codes_valid() -> None:
    both = TicketCodes(Keyring({1: OLD_KEY, 2: NEW_KEY}))
    assert both.newest_key == 128 + 2
    for code in (CODE, EARLIER_CODE, both.code(EVENT, BOOKING, SEAT, 130), both.code(EVENT, BOOKING, SEAT, 2)):
        assert accepted(both, code) == SEAT


def test_a_code_without_its_key_is_invalid() -> None:
    rest = TicketCodes(Keyring({2: NEW_KEY}))
    with pytest.raises(InvalidCode):
        rest.read(EVENT, CODE)
    with pytest.raises(KeysError, match="version 1 is missing"):
        rest.code(EVENT, BOOKING, SEAT, 129)


def test_another_key_makes_other_codes() -> None:
    with pytest.raises(InvalidCode):
        accepted(TicketCodes(Keyring({1: NEW_KEY})), CODE)
