"""Response models of the state of projections, subscriptions, signing and verification. Times are UTC."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from typing_extensions import TypeAliasType

ProjectionState = TypeAliasType("ProjectionState", Literal["running", "stalled", "frozen"])
SubscriptionState = TypeAliasType("SubscriptionState", Literal["running", "stalled", "frozen", "off"])
SigningState = TypeAliasType("SigningState", Literal["signing", "forgotten", "inconsistent"])


@dataclass(slots=True, kw_only=True)
class SetAsideView:
    """An event that a projection has set aside: it shows the event as of the entry before the one at `position`, which can't be
    applied."""

    event_id: UUID
    position: int
    error: str


@dataclass(slots=True, kw_only=True)
class ProjectionView:
    """The state of a projection. `lag_entries`: how many entries it is behind, counted up to 100,000. `lag_seconds`: the age of the
    oldest entry that is not folded yet; 0 without one.

    A stalled projection stopped at the entry at `failed_position` and needs an operator. A frozen one has not moved for 10 s
    although the ledger has grown: no worker serves it."""

    name: str
    version: int
    position: int
    lag_entries: int
    lag_seconds: float
    state: ProjectionState
    failed_position: int | None
    error: str | None
    set_aside: list[SetAsideView]
    rebuild: "RebuildView | None"


@dataclass(slots=True, kw_only=True)
class RebuildView:
    """A rebuild that is running or was interrupted: its position and its target. `seconds_left`: estimated from its speed so
    far."""

    position: int
    target: int
    started_at: datetime
    updated_at: datetime
    seconds_left: float | None


@dataclass(slots=True, kw_only=True)
class VerificationView:
    """The last verification, up to `position`. `finding`: the alteration that it found; null: everything was proven."""

    started_at: datetime
    finished_at: datetime
    position: int
    entries: int
    finding: str | None


@dataclass(slots=True, kw_only=True)
class SigningView:
    """Whether the ledger's tree is being signed, and the origin. `detail`: why it is not."""

    state: SigningState
    origin: str
    detail: str | None


@dataclass(slots=True, kw_only=True)
class SubscriptionView:
    """How far `mail` or `webhooks` have told others about the ledger. `lag_entries`, `lag_seconds`: as of projections.

    A stalled one can't read the entry at `failed_position`, and tells nothing more until an operator upgrades or skips it
    (`python -m notifications skip`). A frozen one has not moved for two minutes although there is something to tell. One that is
    off tells nobody: this installation sends no mail, or nobody has a webhook."""

    name: str
    position: int
    lag_entries: int
    lag_seconds: float
    state: SubscriptionState
    failed_position: int | None
    error: str | None


@dataclass(slots=True, kw_only=True)
class ProjectionList:
    """`subscriptions`: of mail and webhooks, which follow the ledger, too. `ledger_position`: the ledger's head. `signing` and
    `verification` are null before the first checkpoint and verification."""

    items: list[ProjectionView]
    subscriptions: list[SubscriptionView]
    next_cursor: str | None
    ledger_position: int
    signing: SigningView | None
    verification: VerificationView | None
