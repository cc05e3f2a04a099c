"""API and worker are killed at each seam: before and after what must happen together with something else (R2)."""

import random

from tests.faults.ledger_check import check_ledger, check_rows, operator, wait_until_projected
from tests.faults.seams import SEAMS
from tests.faults.steady_sale import steady_sale
from tests.running_system import Stack, wait_until_ready
from tests.soak import rounds

ROUNDS = rounds(1, 20)
PROCESSES = {"app": (0, ("app",)), "worker": (1, ("workers", "worker"))}
DEATH_SECONDS = 60


def test_process_that_is_killed_at_a_seam_loses_nothing(own_stack: Stack) -> None:
    dice = random.Random(2)
    with steady_sale(own_stack.settings, own_stack.url) as sale:
        for _ in range(ROUNDS):
            for seam, (part, _, _) in SEAMS.items():
                index, words = PROCESSES[part]
                replace(own_stack, index, "tests.faults.seams", seam, str(dice.randint(1, 8)), *words)
                assert own_stack.processes[index].wait(DEATH_SECONDS) == -9, f"it did not come {seam}"
                replace(own_stack, index, *words)
        wait_until_ready(own_stack.url, *own_stack.processes)
        sale.wait_for(3)
    wait_until_projected(own_stack.settings)
    found = check_ledger(own_stack.settings, sale)
    print(f"\nR2: killed {ROUNDS} times at each of {', '.join(SEAMS)}: {len(found.lost)} lost, 0 doubled; {sale.figures()}")
    assert (found.lost, found.lost_cancellations) == (set(), set())
    check_rows(own_stack.settings)
    status, output = operator(own_stack.settings, "verify")
    assert (status, "Proven" in output) == (0, True), output


def replace(stack: Stack, index: int, *words: str) -> None:
    stack.processes[index].kill()
    stack.processes[index].wait(10)
    stack.processes[index] = stack.start(*words)
