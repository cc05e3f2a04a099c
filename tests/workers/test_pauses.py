"""What is asked in vain is asked more and more rarely, and never forgotten."""

from workers.pauses import Pauses


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_pause_is_longer_up_to_a_bound() -> None:
    clock = Clock()
    pauses = Pauses[str](10, 30, clock)
    asked = []
    while clock.now < 150:
        if pauses.has_ended("a"):
            asked.append(clock.now)
            pauses.begin("a")
        clock.now += 2.5
    assert asked == [0, 10, 25, 47.5, 77.5, 107.5, 137.5]


def test_others_do_not_wait() -> None:
    pauses = Pauses[str](10, 30, Clock())
    pauses.begin("a")
    assert (pauses.has_ended("a"), pauses.has_ended("b")) == (False, True)


def test_what_is_not_kept_begins_anew() -> None:
    clock = Clock()
    pauses = Pauses[str](10, 30, clock)
    for key in ("a", "b"):
        pauses.begin(key)
        pauses.begin(key)
    pauses.keep(["b", "c"])
    assert (len(pauses), pauses.has_ended("a"), pauses.has_ended("b")) == (1, True, False)
    clock.now = 14.9
    assert not pauses.has_ended("b")
    clock.now = 15
    assert pauses.has_ended("b")
