"""A MAC is valid for one entry at one version of one stream, under a key of the keyring."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from ledger.keys import Keyring
from ledger.macs import Macs

ONE, TWO = bytes(32), bytes(range(32))
STREAM = UUID(int=1)

rows = st.tuples(st.uuids(), st.integers(1, 2**63 - 1), st.text(max_size=40), st.binary(max_size=300))


@given(rows, rows)
def test_a_mac_is_valid_for_its_own_entry_only(row: tuple[UUID, int, str, bytes], other: tuple[UUID, int, str, bytes]) -> None:
    macs = Macs(Keyring({1: ONE}))
    assert macs.verify(macs.compute(*row), *row)
    assert macs.verify(macs.compute(*row), *other) == (row == other)


@given(st.text(max_size=20), st.binary(max_size=20), st.integers(1, 20))
def test_a_mac_separates_topic_and_state(topic: str, state: bytes, moved: int) -> None:
    macs, start = Macs(Keyring({1: ONE})), ("x" * moved).encode()
    assert not macs.verify(macs.compute(STREAM, 1, topic + "x" * moved, state), STREAM, 1, topic, start + state)


def test_a_mac_is_made_with_the_newest_key_and_verified_with_all() -> None:
    row = (STREAM, 1, "seats-booked/1", b"{}")
    before, after = Macs(Keyring({1: ONE})), Macs(Keyring({1: ONE, 2: TWO}))
    assert after.verify(before.compute(*row), *row)
    assert after.compute(*row)[0] == 2
    assert not before.verify(after.compute(*row), *row)


@given(st.binary(max_size=40))
def test_a_random_mac_is_not_valid(mac: bytes) -> None:
    assert not Macs(Keyring({1: ONE})).verify(mac, STREAM, 1, "seats-booked/1", b"{}")
