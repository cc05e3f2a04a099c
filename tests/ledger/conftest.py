"""Failures in the examples' own language say what they compared."""

import pytest

pytest.register_assert_rewrite("tests.ledger.scenario")
