"""An overlay behaves as a copy of its dict, and leaves the dict alone until it is merged."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.overlay import Overlay

KEYS = st.sampled_from([b"a", b"b", b"c", b"d"])
VALUES = st.integers(0, 9)


@given(st.dictionaries(KEYS, VALUES), st.lists(st.tuples(KEYS, st.none() | VALUES)))
def test_overlay_is_as_a_copy(base: dict[bytes, Any], changes: list[tuple[bytes, int | None]]) -> None:
    copy, before, overlay = dict(base), dict(base), Overlay(base)
    for key, value in changes:
        if value is not None:
            copy[key] = overlay[key] = value
        elif key in copy:
            del copy[key], overlay[key]
        else:
            with pytest.raises(KeyError):
                del overlay[key]
        for asked in (b"a", b"b", b"c", b"d"):
            assert (asked in overlay, overlay.get(asked, "none")) == (asked in copy, copy.get(asked, "none"))
    assert base == before
    assert overlay.merge() is base
    assert base == copy


def test_missing_keys_are_key_errors() -> None:
    overlay = Overlay({b"a": 1})
    del overlay[b"a"]
    for key in (b"a", b"b"):
        with pytest.raises(KeyError):
            overlay[key]
