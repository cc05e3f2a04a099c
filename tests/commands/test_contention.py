"""After a version conflict a number of batches take the ordering lock first."""

from commands.appender.contention import STAY_LOCKED, Contention


def locked_batches(contention: Contention) -> int:
    """How many batches take the lock if no more entries of other processes come."""
    count = 0
    while contention.lock_first:
        contention.record_lock(missed=False)
        count += 1
    return count


def test_contention_starts_optimistically() -> None:
    contention = Contention()
    assert not contention.lock_first
    contention.record_lock(missed=False)  # a second try takes the lock, whatever came before
    assert not contention.lock_first


def test_contention_lasts_for_a_number_of_batches() -> None:
    contention = Contention()
    contention.record_conflict()
    assert locked_batches(contention) == STAY_LOCKED


def test_contention_starts_again_with_missed_entries() -> None:
    contention = Contention()
    contention.record_conflict()
    for _ in range(STAY_LOCKED - 1):
        contention.record_lock(missed=False)
    contention.record_lock(missed=True)
    assert locked_batches(contention) == STAY_LOCKED
