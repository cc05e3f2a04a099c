"""A layer around the generated client `event_sdk`: log-in, safe retries, reading own writes, complete lists, live availability,
verification of webhooks.

from event_sdk import EventsApi
from event_sdk_extras import Client, every

client = Client()
client.log_in("alice@example.test", "demo-password")
for event in every(EventsApi(client).get_events):
    print(event.name, event.available)
"""

from event_sdk_extras.client import Client
from event_sdk_extras.errors import (
    AlreadyCancelled,
    BookingTooLarge,
    Busy,
    CodeNotForCategory,
    CodeNotValidNow,
    CodeRequired,
    CodeSpent,
    CodeUnknown,
    CustomerLimit,
    EmailUnverified,
    EventNotBookable,
    HoldClosed,
    HoldGone,
    NotOnSale,
    OutcomeUnknown,
    PriceChanged,
    Refusal,
    SoldOut,
    TooManyAttempts,
    TooManyHolds,
)
from event_sdk_extras.lists import every
from event_sdk_extras.live import Availability, availability
from event_sdk_extras.webhooks import InvalidSignature, WebhookVerifier

__all__ = [
    "AlreadyCancelled",
    "Availability",
    "BookingTooLarge",
    "Busy",
    "Client",
    "CodeNotForCategory",
    "CodeNotValidNow",
    "CodeRequired",
    "CodeSpent",
    "CodeUnknown",
    "CustomerLimit",
    "EmailUnverified",
    "EventNotBookable",
    "HoldClosed",
    "HoldGone",
    "InvalidSignature",
    "NotOnSale",
    "OutcomeUnknown",
    "PriceChanged",
    "Refusal",
    "SoldOut",
    "TooManyAttempts",
    "TooManyHolds",
    "WebhookVerifier",
    "availability",
    "every",
]
