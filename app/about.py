"""`GET /api/about`: what the page needs to know before a user has logged in."""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from commands.online_payments import online_payments_of
from ledger.commands import Role
from ledger.settings import Settings
from ledger.views import PaymentMethod
from seed.demo import PEOPLE

router = APIRouter(prefix="/api", tags=["system"])


@dataclass(slots=True, kw_only=True)
class DemoAccountView:
    """An account of the demo. Its password is `demo-password`."""

    name: str
    email: str
    role: Role


@dataclass(slots=True, kw_only=True)
class AboutView:
    """This installation. `currency`: that of new events which name none. `demo_accounts`: empty without the demo. `has_mail`: it
    sends mail. `has_mailbox`: it goes nowhere, and the page shows it at `/mailbox`. `has_holds`: seats can be held.
    `payment_methods`: by which events can be paid here."""

    name: str
    version: str
    currency: str
    demo_accounts: list[DemoAccountView]
    has_mail: bool
    has_mailbox: bool
    has_holds: bool
    payment_methods: list[PaymentMethod]


@router.get("/about", operation_id="get_about")
async def get_about(request: Request, response: Response) -> AboutView:
    """Describes this installation, without a query to the database."""
    settings: Settings = request.app.state.settings
    response.headers["Cache-Control"] = "no-store"
    people = PEOPLE if settings.demo else ()
    return AboutView(
        name=request.app.title, version=request.app.version, currency=settings.currency,
        demo_accounts=[DemoAccountView(name=name, email=email, role=role) for name, email, role in people],
        has_mail=settings.has_mail, has_mailbox=settings.has_mailbox, has_holds=settings.holds,
        payment_methods=["box_office", *online_payments_of(request).online_methods],
    )  # fmt: skip
