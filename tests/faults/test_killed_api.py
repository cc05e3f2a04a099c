"""The API is killed under load, at a random moment, and started again: no acknowledged booking is lost, none is made twice (R1)."""

import random
import time

from tests.faults.ledger_check import check_ledger, check_rows, wait_until_projected
from tests.faults.steady_sale import steady_sale
from tests.running_system import Stack, wait_until_ready
from tests.soak import rounds, within

ROUNDS = rounds(4, 300)
BOOKINGS_PER_SECOND, BOOKINGS_OF_EACH_EVENT = 250, 30
READY_SECONDS = within(5.0)


def test_api_that_is_killed_under_load_loses_no_booking(own_stack: Stack) -> None:
    dice, seconds = random.Random(1), []
    with steady_sale(own_stack.settings, own_stack.url, BOOKINGS_PER_SECOND) as sale:
        for _ in range(ROUNDS):
            sale.wait_for(BOOKINGS_OF_EACH_EVENT)
            time.sleep(dice.uniform(0, 0.3))
            own_stack.processes[0].kill()
            own_stack.processes[0].wait(10)
            began = time.monotonic()
            own_stack.processes[0] = own_stack.start("app")
            wait_until_ready(own_stack.url, own_stack.processes[0])
            seconds.append(time.monotonic() - began)
        sale.wait_for(1)
    wait_until_projected(own_stack.settings)
    found = check_ledger(own_stack.settings, sale)
    print(f"\nR1: killed {ROUNDS} times: {len(found.lost)} lost, 0 doubled; ready after {max(seconds):.1f} s; {sale.figures()}")
    assert (found.lost, found.lost_cancellations) == (set(), set())
    assert sale.tries["201"] < sum(sale.tries.values()) - len(sale.cancelled), (
        "no request was cut off: then this test shows nothing"
    )
    check_rows(own_stack.settings)
    assert max(seconds) <= READY_SECONDS
