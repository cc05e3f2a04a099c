"""The HTTP routes of webhooks. Each account has its own; an organizer's are told about their events, an admin's about all."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from typing_extensions import TypeAliasType

from accounts.access import FreshOrganizer, IdempotencyKey, Organizer, access_of, command_id_of, origin_of
from accounts.routes import Body, Cursor, not_stored
from ledger.outbox import DeliveryState
from notifications.number_cursors import MAX_NUMBER, number_before
from notifications.webhooks.addresses import MAX_LENGTH
from notifications.webhooks.registry import Change, DeliveryRow, NewWebhook, Webhook, Webhooks
from notifications.webhooks.types import WebhookType

WebhookState = TypeAliasType("WebhookState", Literal["active", "paused", "paused-by-failures"])
Url = Annotated[str, Field(min_length=1, max_length=MAX_LENGTH, examples=["https://example.org/seatledger"])]
Types = Annotated[
    list[WebhookType], Field(min_length=1, max_length=50, description="Names of types, or `*` alone for all, also later ones")
]
Limit = Annotated[int, Query(ge=1, le=100)]

router = APIRouter(prefix="/api/webhooks", tags=["notifications"], dependencies=[Depends(not_stored)])


class CreateWebhook(Body):
    """`event_id`: it is told about this event alone."""

    url: Url
    types: Types
    event_id: UUID | None = None


class UpdateWebhook(Body):
    """Omitted fields keep their value. `state`: what happens while it is paused is not sent later, but by a replay."""

    url: Url | None = None
    types: Types | None = None
    state: Literal["active", "paused"] | None = None


class ReplayFrom(Body):
    """`from`: the first position to send again."""

    from_: Annotated[int, Field(alias="from", ge=1, le=MAX_NUMBER, strict=True)]


@dataclass(slots=True, kw_only=True)
class WebhookView:
    """An address that is told about entries of the ledger. `state`: `paused-by-failures` after days without a success, or where it
    answered 410. `last_position`: of the newest entry that concerned it, also while it is paused. `failing_since`: all tries since
    then have failed. `replay_from`: a replay has come so far; null: none is under way. `previous_secret_until`: until then the
    secret before signs, too. `waiting`: deliveries that are due, counted up to 1,000."""

    id: UUID
    url: str
    types: list[WebhookType]
    event_id: UUID | None
    state: WebhookState
    created_at: datetime
    last_position: int | None
    failing_since: datetime | None
    replay_from: int | None
    previous_secret_until: datetime | None
    waiting: int


@dataclass(slots=True, kw_only=True)
class NewWebhookView(WebhookView):
    """`secret`: the key of the signatures, as Standard Webhooks writes it. It is shown here only."""

    secret: str


@dataclass(slots=True, kw_only=True)
class WebhookList:
    items: list[WebhookView]


@dataclass(slots=True, kw_only=True)
class WebhookDeliveryView:
    """What was sent to a webhook, or will be, and what became of it. `id`: sent as `webhook-id`, the same at each try. `position`:
    of the entry; null for a test. `previous_position`: of the entry before about which the webhook was told. `due_at`: of the next
    try. `status`: of the last answer, whose body is not kept; null: there was none. `milliseconds`: how long the last try took."""

    id: UUID
    type: str
    position: int | None
    previous_position: int | None
    state: DeliveryState
    tries: int
    created_at: datetime
    due_at: datetime | None
    tried_at: datetime | None
    status: int | None
    milliseconds: int | None
    error: str | None


@dataclass(slots=True, kw_only=True)
class WebhookDeliveryDetails(WebhookDeliveryView):
    """`body`: JSON, as it is sent."""

    body: str


@dataclass(slots=True, kw_only=True)
class WebhookDeliveryPage:
    items: list[WebhookDeliveryView]
    next_cursor: str | None


@router.get("", operation_id="get_webhooks", response_model=WebhookList)
async def get_webhooks(request: Request, principal: Organizer) -> Any:
    """Your webhooks, oldest first."""
    return WebhookList(items=[_view(one) for one in await _webhooks(request).all(principal.id)])


@router.post("", operation_id="create_webhook", status_code=201, response_model=NewWebhookView)
async def create_webhook(
    request: Request, body: CreateWebhook, principal: FreshOrganizer, idempotency_key: IdempotencyKey = None
) -> Any:
    """Tells an address about later entries: about an organizer's own events, for an admin about all. The secret is in this response
    only. Deliveries are signed as https://www.standardwebhooks.com says. It needs a password that was given within 15 minutes."""
    new = NewWebhook(body.url, body.types, body.event_id)
    id_ = command_id_of(request, principal, idempotency_key)
    webhook, secret = await _webhooks(request).add(id_, principal.id, principal.role, new, origin_of(request, principal))
    return NewWebhookView(**_fields(webhook), secret=secret)


@router.get("/{webhook_id}", operation_id="get_webhook", response_model=WebhookView)
async def get_webhook(request: Request, webhook_id: UUID, principal: Organizer) -> Any:
    """One of your webhooks."""
    return _view(await _webhooks(request).find(principal.id, webhook_id))


@router.patch("/{webhook_id}", operation_id="update_webhook", response_model=WebhookView)
async def update_webhook(request: Request, webhook_id: UUID, body: UpdateWebhook, principal: Organizer) -> Any:
    """Changes, pauses or resumes a webhook. What was due when it was paused is sent when it is resumed; what happens meanwhile is
    not: the next delivery's `previous_position` shows the gap. Another `url` needs a password that was given within 15 minutes."""
    if body.url is not None:
        await access_of(request).sessions.check_fresh(principal.token_hash)
    change, origin = Change(body.url, body.types, body.state), origin_of(request, principal)
    return _view(await _webhooks(request).change(principal.id, webhook_id, change, origin))


@router.delete("/{webhook_id}", operation_id="delete_webhook", status_code=204)
async def delete_webhook(request: Request, webhook_id: UUID, principal: Organizer) -> None:
    """Deletes a webhook and the list of its deliveries."""
    await _webhooks(request).delete(principal.id, webhook_id, origin_of(request, principal))


@router.post("/{webhook_id}/secret", operation_id="rotate_webhook_secret", response_model=NewWebhookView)
async def rotate_webhook_secret(request: Request, webhook_id: UUID, principal: FreshOrganizer) -> Any:
    """A new secret, in this response only. For 24 hours deliveries are signed with the one before, too. It needs a password that
    was given within 15 minutes."""
    webhook, secret = await _webhooks(request).rotate(principal.id, webhook_id, origin_of(request, principal))
    return NewWebhookView(**_fields(webhook), secret=secret)


@router.post("/{webhook_id}/test", operation_id="test_webhook", status_code=202, response_model=WebhookDeliveryView)
async def send_test(request: Request, webhook_id: UUID, principal: Organizer) -> Any:
    """Sends a delivery of type `webhook.test` within seconds."""
    return _delivery(await _webhooks(request).test(principal.id, webhook_id))


@router.post("/{webhook_id}/replay", operation_id="replay_webhook", status_code=202, response_model=WebhookView)
async def replay_webhook(request: Request, webhook_id: UUID, body: ReplayFrom, principal: Organizer) -> Any:
    """Sends again what happened from a position on, little by little, also what was before the webhook. Deliveries keep their
    ids."""
    return _view(await _webhooks(request).replay(principal.id, webhook_id, body.from_))


@router.get("/{webhook_id}/deliveries", operation_id="get_webhook_deliveries", response_model=WebhookDeliveryPage)
async def get_webhook_deliveries(
    request: Request, webhook_id: UUID, principal: Organizer, limit: Limit = 50, cursor: Cursor = None
) -> Any:
    """What was sent to a webhook in the last 30 days, or will be, newest first."""
    items, before = await _webhooks(request).deliveries(principal.id, webhook_id, number_before(cursor), limit)
    return WebhookDeliveryPage(items=[_delivery(one) for one in items], next_cursor=None if before is None else str(before))


@router.get("/{webhook_id}/deliveries/{delivery_id}", operation_id="get_webhook_delivery", response_model=WebhookDeliveryDetails)
async def get_webhook_delivery(request: Request, webhook_id: UUID, delivery_id: UUID, principal: Organizer) -> Any:
    """One delivery, with its body."""
    delivery, body = await _webhooks(request).delivery(principal.id, webhook_id, delivery_id)
    return WebhookDeliveryDetails(**delivery._asdict(), body=body)


def _webhooks(request: Request) -> Webhooks:
    webhooks: Webhooks = request.app.state.webhooks
    return webhooks


def _fields(webhook: Webhook) -> dict[str, Any]:
    return webhook._asdict()


def _view(webhook: Webhook) -> WebhookView:
    return WebhookView(**_fields(webhook))


def _delivery(row: DeliveryRow) -> WebhookDeliveryView:
    return WebhookDeliveryView(**row._asdict())
