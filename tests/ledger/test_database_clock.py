"""A process goes by the time of the database, however wrong its machine's is and however long answers take."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ledger.database_clock import DatabaseClock

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Machine:
    """Its steady clock, and a time of day that may be wrong."""

    def __init__(self, wrong_by: timedelta) -> None:
        self.seconds = 5_000.0
        self.clock = DatabaseClock(lambda: self.seconds, (NOW + wrong_by).timestamp)

    def ask(self, there: float, back: float) -> None:
        """The question takes `there` seconds, the answer `back`."""
        asked_at = self.seconds
        self.seconds += there
        answer = self.true_time()
        self.seconds += back
        self.clock.learn(answer, asked_at, self.seconds)

    def true_time(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds - 5_000)

    def error(self) -> timedelta:
        return abs(self.clock() - self.true_time())


_travels = st.floats(0, 2)


@given(st.floats(-86_400, 86_400), st.lists(st.tuples(_travels, _travels), min_size=1))
def test_error_is_at_most_the_fastest_answer(wrong_by: float, travels: list[tuple[float, float]]) -> None:
    machine = Machine(timedelta(seconds=wrong_by))
    for there, back in travels:
        machine.ask(there, back)
    bound = min(there + back for there, back in travels)
    assert machine.error() <= timedelta(seconds=bound, milliseconds=1)


def test_slow_answers_do_not_move_a_right_clock() -> None:
    machine = Machine(timedelta(0))
    for _ in range(10):
        machine.ask(0.0, 2.0)
        machine.ask(2.0, 0.0)
    assert machine.error() < timedelta(milliseconds=1)


def test_before_the_first_answer_it_is_the_machines_time() -> None:
    machine = Machine(HOUR)
    machine.seconds += 60
    assert machine.clock() == NOW + HOUR + timedelta(minutes=1)
