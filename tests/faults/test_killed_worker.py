"""A worker is killed repeatedly in the middle of a batch. The read tables equal those of a rebuild (R6)."""

import random
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ledger.macs import Macs
from ledger.settings import Settings
from ledger.store import Ledger
from projections.rebuild.rebuilder import Rebuilder
from projections.registry import PROJECTORS
from tests.ledger import storage
from tests.projections.stories import Story
from tests.soak import rounds
from tests.workers.deployment import a_worker, position, process, wait_until

KILLS = rounds(6, 100)
TOMORROW = datetime.now(UTC) + timedelta(days=1)


def test_worker_killed_in_a_batch_loses_and_repeats_nothing(settings: Settings) -> None:
    settings, dice, story = replace(settings, verify_hours=0), random.Random(6), Story(seed=6, start=TOMORROW)
    began = time.monotonic()
    with (
        a_worker(settings) as worker,
        closing(Ledger(settings.database_url, Macs.open(settings.keys))) as ledger,
        process(settings, "tick"),
    ):
        storage.append(ledger, story.entries)
        for _ in range(KILLS):
            with process(settings, "worker") as running:
                wait_until(lambda: position(worker, "revenue") >= ledger.head() // 2, "a worker at work")
                storage.append(ledger, story.tell(150))
                time.sleep(dice.uniform(0, 0.3))
                running.kill()
        with process(settings, "worker"):
            wait_until(lambda: all(position(worker, name) == ledger.head() for name in PROJECTORS), "every projection")
        with closing(Rebuilder(settings.database_url, ledger)) as rebuilder:
            done = rebuilder.rebuild(list(PROJECTORS.values()))
    seconds = time.monotonic() - began
    print(f"R6: a worker killed {KILLS} times over {len(story.entries)} entries: every row as a rebuild makes it; {seconds:.0f} s")
    assert [(comparison.compared, comparison.difference) for comparison in done] == [(True, None)] * len(PROJECTORS)
