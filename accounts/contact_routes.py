"""The HTTP routes by which somebody without an account proves an e-mail address. Their responses are the same whether or not an
account has it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict

from accounts.access import access_of, address_of
from accounts.errors import TokenExpired
from accounts.guest_secret import GuestSecretHeader
from accounts.routes import Body, not_stored, operation_id
from ledger.field_types import Email, Text

router = APIRouter(
    prefix="/api/contacts", tags=["bookings"], dependencies=[Depends(not_stored)], generate_unique_id_function=operation_id
)


class VerifyContact(Body):
    email: Email


class ConfirmContact(Body):
    """`code`: the six digits of the newest mail."""

    email: Email
    code: Annotated[str, Text(20)]


class ContactProofView(BaseModel):
    """`proof` says, to this browser or program alone, that the address was proven."""

    model_config = ConfigDict(from_attributes=True)

    proof: str
    expires_at: datetime


@router.post("/verify", status_code=202, response_class=Response)
async def verify_contact(request: Request, response: Response, body: VerifyContact, guest_secret: GuestSecretHeader = None) -> None:
    """Mails a code of six digits to an e-mail address, for this browser alone, or for the program that sends the same
    `Guest-Secret` again. It is valid for 20 minutes, and void after five wrong tries."""
    access = access_of(request)
    access.contact_codes.check_mail()
    browser = access.guest_secrets.hash_of(request, guest_secret)
    await access.guest_mail_limiter.count_code(body.email, address_of(request))
    await access.contact_codes.ask(body.email, browser or access.guest_secrets.set_cookie(response))


@router.post("/confirm", response_model=ContactProofView)
async def confirm_contact(request: Request, body: ConfirmContact, guest_secret: GuestSecretHeader = None) -> Any:
    """Exchanges the code, once, for a proof to book with. It holds for an hour."""
    access = access_of(request)
    access.contact_codes.check_mail()
    browser = access.guest_secrets.hash_of(request, guest_secret)
    if browser is None:
        raise TokenExpired
    return await access.contact_codes.confirm(body.email, "".join(body.code.split()), browser)
