"""What is due now and then is done, beside the projecting."""

from sqlalchemy import text

from ledger.macs import Macs
from ledger.settings import Settings
from ledger.store import Ledger
from projections.registry import PROJECTORS
from tests.ledger import scenario as s
from tests.projections.stories import Story
from tests.workers.deployment import a_workshop, wait_until
from workers.workshop import Workshop

NOT_YET_VERIFIED = "SELECT count(*) = 0 FROM verifications WHERE finding IS NULL"
OF_ANOTHER_VERSION = "SELECT version = 0 FROM projections WHERE name = 'revenue'"


def _asked(workshop: Workshop, statement: str) -> object:
    with workshop.engine.begin() as connection:
        found = connection.execute(text(statement))
        return found.scalar() if found.returns_rows else None


def _carried_out(workshop: Workshop) -> bool:
    """Whether something was due; it is done then."""
    workshop.upkeep.begin()
    was_due = workshop.upkeep.is_busy
    wait_until(lambda: not workshop.upkeep.is_busy, "what was due")
    return was_due


def _tell(workshop: Workshop, settings: Settings) -> None:
    story, ledger = Story(seed=3), Ledger(settings.database_url, Macs.open(settings.keys))
    story.tell(50)
    s.append(ledger, story.entries)
    ledger.close()
    for projector in PROJECTORS.values():
        workshop.project(projector)
    wait_until(lambda: bool(_asked(workshop, "SELECT count(*) FROM audit_checkpoints")), "a checkpoint")


def test_an_old_version_is_rebuilt_and_everything_verified(settings: Settings) -> None:
    with a_workshop(settings) as workshop:
        assert not _carried_out(workshop)  # the ledger is empty
        _tell(workshop, settings)
        _asked(workshop, "UPDATE projections SET version = 0 WHERE name = 'revenue'")
        assert _carried_out(workshop)
        assert not _asked(workshop, OF_ANOTHER_VERSION)
        assert _asked(workshop, NOT_YET_VERIFIED)
        assert _carried_out(workshop)
        assert not _asked(workshop, NOT_YET_VERIFIED)
        assert not _carried_out(workshop)
