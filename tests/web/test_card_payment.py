"""Paying by card in the provider's own form, on a phone: refused, then paid, and given back."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import PostgresServer
from tests.running_system import Person, Stack, system_settings
from tests.stripe_servers import stripe_stand_in
from tests.web.conftest import PHONE, Visit
from tests.web.organising import organised


@pytest.fixture
def stack(postgres_server: PostgresServer, template_database: str, redis_url: str, tmp_path: Path) -> Iterator[Stack]:
    name = f"cards_{uuid4().hex[:8]}"
    settings = system_settings(postgres_server.create(name, template_database), redis_url, tmp_path)
    with stripe_stand_in(f"http://127.0.0.1:{settings.port}/api/payment-providers/stripe/webhook") as stand_in:
        stack = Stack(replace(settings, **stand_in.settings))
        yield stack
        stack.stop()
    postgres_server.drop(name)


def _picture(page: Page, name: str) -> None:
    if directory := os.environ.get("PICTURES"):
        for width in (360, 1280):
            for scheme in ("light", "dark"):
                page.set_viewport_size({"width": width, "height": 900})
                page.emulate_media(color_scheme=scheme)
                page.screenshot(path=Path(directory) / f"{name}-{width}-{scheme}.png", full_page=True)


@pytest.fixture
def seller(stack: Stack) -> Person:
    return stack.person("organizer")


def test_a_guest_pays_by_card_after_one_was_refused(visit: Visit, stack: Stack, seller: Person) -> None:
    event = organised(stack, seller, "By card", payment={"policy": "online", "methods": ["stripe"]}, guest_checkout="open")
    visitor = visit(size=PHONE)
    visitor.expect_complaints("422")  # the first request brings the cookie
    visitor.expect_complaints("402")  # the card is refused
    visitor.expect_complaints("localstripe|Stripe.js@")
    page = visitor.page
    page.goto(f"/events/{event['id']}")
    page.get_by_role("textbox", name="Tickets in General").fill("2")
    page.get_by_role("button", name="Continue with 2 tickets").click()
    page.get_by_label("Name").fill("Gus Guest")
    page.get_by_label("E-mail address").fill("gus.card@example.test")
    page.get_by_role("button", name="Continue to payment").click()
    card = page.get_by_role("group", name="Card")
    for name, value in (("number", "4000000000000002"), ("exp_month", "12"), ("exp_year", "40"), ("cvc", "123")):
        card.get_by_placeholder(name).fill(value)
    visitor.check_looks(reloads=False)
    _picture(page, "card")
    page.get_by_role("button", name="Pay €100.00").click()
    expect(page.get_by_role("alert")).to_contain_text("Your card was declined.")
    _picture(page, "refused")
    visitor.check_looks(reloads=False)
    page.reload()  # one can come back
    page.get_by_role("button", name="Pay €100.00").click()
    for name, value in (("number", "4242424242424242"), ("exp_month", "12"), ("exp_year", "40"), ("cvc", "123")):
        card.get_by_placeholder(name).fill(value)
    page.get_by_role("button", name="Pay €100.00").click()
    expect(page.get_by_role("status").filter(has_text="Booking confirmed")).to_be_visible()
    expect(page.get_by_role("region", name="Payment")).to_contain_text("Paid€100.00")
    _picture(page, "booked")
    page.get_by_role("button", name="Cancel tickets").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Ticket 1, General").check()
    dialog.get_by_role("button", name="Cancel 1 ticket").click()
    expect(page.get_by_role("region", name="Payment")).to_contain_text("Refunded\u2212€50.00", timeout=60_000)
    visitor.check_looks(reloads=False)
    _picture(page, "refunded")
