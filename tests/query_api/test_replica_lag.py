"""How far a standby is behind, from looks at both servers."""

from query_api.replica import Lag


def test_standby_that_never_reached_the_primary_lags_for_ever() -> None:
    lag = Lag()
    lag.record(1.0, primary=10, standby=9)
    assert lag.seconds(1.0) == float("inf")


def test_lag_is_counted_from_the_last_look_that_the_standby_has_reached() -> None:
    lag = Lag()
    lag.record(1.0, primary=10, standby=10)
    assert lag.seconds(1.5) == 0.5
    lag.record(2.0, primary=20, standby=10)
    lag.record(3.0, primary=30, standby=19)
    assert lag.seconds(3.0) == 2.0
    lag.record(4.0, primary=40, standby=20)
    assert lag.seconds(4.0) == 2.0
    lag.record(5.0, primary=40, standby=40)
    assert lag.seconds(5.0) == 0.0


def test_idle_ledger_has_no_lag() -> None:
    lag = Lag()
    for second in range(1_000):
        lag.record(float(second), primary=7, standby=7)
    assert lag.seconds(999.0) == 0.0


def test_looks_are_bounded() -> None:
    lag = Lag()
    for second in range(1_000):
        lag.record(float(second), primary=second + 1, standby=0)
    lag.record(1_000.0, primary=1_001, standby=1_001)
    assert lag.seconds(1_000.0) == 0.0
