"""Contention: when another process writes to our Events, batches take the ordering lock before they are decided."""

#: After a version conflict, this many batches in a row take the lock first.
STAY_LOCKED = 8


class Contention:
    """Chooses between the two ways to append a batch.

    Both take the ordering lock; the difference is when. Optimistic: decide, then append in one round trip, which takes the lock; it
    is lost if another process has appended to one of the streams. Locked: take the lock, read the missed entries, then decide and
    append: one more round trip, and it can't be lost. After a conflict the next
    STAY_LOCKED batches are locked; each of them that finds missed entries starts the count again."""

    __slots__ = ("locked_batches",)

    def __init__(self) -> None:
        self.locked_batches = 0

    @property
    def lock_first(self) -> bool:
        return self.locked_batches > 0

    def record_conflict(self) -> None:
        """An optimistic append was lost to another process."""
        self.locked_batches = STAY_LOCKED

    def record_lock(self, *, missed: bool) -> None:
        """A batch has taken the lock; `missed`: there were entries of another process."""
        self.locked_batches = STAY_LOCKED if missed else max(0, self.locked_batches - 1)
