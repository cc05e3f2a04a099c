"""An outage is logged when it begins, at most every half minute while it lasts, and when it ends."""

import logging

import pytest

from ledger.outage import OutageLog


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    time = [1_000.0]
    monkeypatch.setattr("time.monotonic", lambda: time[0])
    return time


def test_outage_has_a_line_at_its_begin_every_half_minute_and_at_its_end(
    now: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    database = OutageLog(logging.getLogger("test"), "The database")
    for _ in range(2):
        database.worked()
        for _ in range(700):  # 87.5 s
            database.failed("refused")
            assert database.is_lost
            now[0] += 0.125
        database.worked()
        database.worked()
        assert not database.is_lost
    assert [record.getMessage() for record in caplog.records] == 2 * [
        "The database is unavailable: refused",
        "The database has been unavailable for 30 s (241 tries): refused",
        "The database has been unavailable for 60 s (481 tries): refused",
        "The database is available again, after 88 s (700 tries failed)",
    ]


def test_outage_whose_end_nobody_sees_ends_after_half_a_minute(now: list[float], caplog: pytest.LogCaptureFixture) -> None:
    database = OutageLog(logging.getLogger("test"), "The database")
    for seconds in (0, 1, 20, 20, 40, 1):
        now[0] += seconds
        database.repeated("refused")
    assert [record.getMessage() for record in caplog.records] == [
        "The database is unavailable: refused",
        "The database has been unavailable for 41 s (4 tries): refused",
        "The database is unavailable: refused",
    ]
