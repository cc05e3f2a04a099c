"""The SDK against a running server: the generated client and the layer around it."""

import itertools
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from event_sdk import (
    AccountsApi,
    ApiClient,
    BookingsApi,
    BookingStatus,
    Category,
    CodeEffect,
    Configuration,
    CreateUser,
    Event,
    EventFilter,
    EventsApi,
    EventStatus,
    Interval,
    LogIn,
    NewBooking,
    NewCategory,
    NewCodes,
    NewEvent,
    NewPool,
    Problem,
    Role,
    StatsApi,
    TicketStatus,
    WantedTickets,
)
from event_sdk.exceptions import ApiException, ConflictException, NotFoundException, UnauthorizedException
from event_sdk_extras import (
    Busy,
    Client,
    CodeSpent,
    CodeUnknown,
    CustomerLimit,
    EventNotBookable,
    SoldOut,
    TooManyAttempts,
    availability,
    every,
)
from tests.guests import MAIL, mailed_code
from tests.running_system import PASSWORD, Person, Stack, free_port, wait_until_ready
from tests.sdk.losing_proxy import LosingProxy, losing_proxy
from tests.soak import END_SECONDS

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def organizer_client(stack: Stack, organizer: Person) -> Client:
    return _logged_in(stack.url, organizer)


@pytest.fixture
def alice_client(stack: Stack, alice: Person) -> Client:
    return _logged_in(stack.url, alice)


@pytest.fixture
def proxy(stack: Stack) -> Iterator[LosingProxy]:
    with losing_proxy(stack.settings.port) as proxy:
        yield proxy


def _logged_in(url: str, person: Person) -> Client:
    client = Client(url)
    client.log_in(person.email, PASSWORD)
    return client


def _new_event(client: ApiClient, capacity: int = 5, **more: object) -> Event:
    categories = [NewCategory(name="General", price=Decimal("12.50"), capacity=capacity)]
    starts_at = datetime.now(UTC) + timedelta(days=10)
    return EventsApi(client).create_event(NewEvent(name="By SDK", starts_at=starts_at, categories=categories, **more))


def _seats(quantity: int = 1) -> NewBooking:
    return NewBooking(tickets=[WantedTickets(category="General", quantity=quantity)])


def _said(script: str, *arguments: str) -> str:
    command, environment = [sys.executable, "-c", script, *arguments], {"PYTHONPATH": str(ROOT / "sdk")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- the generated client


def test_api_client_uses_the_documents_server_by_default() -> None:
    assert ApiClient().configuration.host == "http://localhost:8000"
    assert EventsApi().api_client.configuration.host == "http://localhost:8000"


def test_values_have_python_types(stack: Stack, organizer: Person, alice: Person) -> None:
    client = ApiClient(Configuration(host=stack.url))
    client.configuration.access_token = AccountsApi(client).log_in(LogIn(email=organizer.email, password=PASSWORD)).access_token
    event = _new_event(client)
    assert isinstance(event.id, UUID)
    assert event.starts_at is not None
    assert event.starts_at.tzinfo is not None
    assert event.starts_at.utcoffset() == timedelta(0)
    assert event.status is EventStatus.ACTIVE
    (category,) = event.categories
    assert isinstance(category, Category)
    assert category.price == Decimal("12.50")
    client.configuration.access_token = alice.token
    answer = BookingsApi(client).book_tickets_with_http_info(event.id, _seats(2))
    booking, position = answer.data, int((answer.headers or {})["ledger-position"])
    assert (booking.total_amount, booking.status) == (Decimal("25.00"), BookingStatus.CONFIRMED)
    assert [ticket.status for ticket in booking.tickets] == [TicketStatus.ACTIVE] * 2
    client.configuration.access_token = stack.admin.token
    user = AccountsApi(client).create_user(
        CreateUser(name="N", email=f"{uuid4().hex}@example.test", password=PASSWORD, role=Role.AUDITOR)
    )
    assert user.role is Role.AUDITOR
    sales = StatsApi(client).get_stats_sales(interval=Interval.MONTH, ledger_position=position)
    assert sales.items[0].net >= Decimal(25)
    assert EventsApi(client).get_events(status=EventFilter.ALL, limit=1).items


def test_error_response_exception_has_the_problem(stack: Stack, alice: Person, organizer: Person) -> None:
    client = ApiClient(Configuration(host=stack.url, access_token=alice.token))
    event = stack.event(organizer, capacity=1)
    with pytest.raises(ConflictException) as error:
        BookingsApi(client).book_tickets(event["id"], _seats(2))
    problem = error.value.data
    assert isinstance(problem, Problem)
    assert (problem.type, problem.status, problem.available) == ("/problems/sold-out", 409, 1)
    assert (problem.category, problem.additional_properties) == ("General", {})
    with pytest.raises(NotFoundException) as unknown:
        EventsApi(client).get_event(uuid4())
    assert isinstance(unknown.value.data, Problem)
    assert unknown.value.data.title == "No such event"
    client.configuration.access_token = "x" * 43
    with pytest.raises(UnauthorizedException):
        BookingsApi(client).get_bookings()


# --- the layer around it


def test_sample_script_runs(stack: Stack, organizer: Person, alice: Person) -> None:
    """Runs the example with two users of this system, who replace the demo's people."""
    script = (ROOT / "sdk" / "examples" / "house_concert.py").read_text()
    for demo, person in (("organizer@example.test", organizer), ("alice@example.test", alice)):
        script = script.replace(demo, person.email)
    output = _said(script.replace("demo-password", PASSWORD), stack.url)
    for said in (
        "Created 'House concert': 2 chairs at 12.00 EUR, active", "Booked 2 tickets for 24.00: ", "live: 0 left {'Chair': 0}",
        "Booked too many: 409 Sold out: In Chair, no seats are left. (available: 0)", "Cancelled: cancelled, 24.00 EUR back",
        "live: 2 left {'Chair': 2}", "Alice's bookings of it: ['cancelled']; seats left: 2",
    ):  # fmt: skip
        assert said in output


def test_sample_script_books_as_a_guest(stack: Stack, organizer: Person) -> None:
    """At once; and, with the code that is typed in, where the address must be proven."""
    script = (ROOT / "sdk" / "examples" / "guest_booking.py").read_text()
    open_, proven = (stack.event(organizer, name=f"Guests {uuid4().hex}", guest_checkout=how) for how in ("open", "proven"))
    organizer.see(f"/api/events/{proven['id']}")
    email = f"{uuid4().hex}@example.test"
    with stack.another_api(**MAIL) as url:
        said = _said(script, open_["name"], email, url)
        assert f"{open_['name']}: guests book open" in said
        assert "Booked for 50.00 EUR: " in said
        command = [sys.executable, "-c", script, proven["name"], email, url]
        with subprocess.Popen(
            command, env={"PYTHONPATH": str(ROOT / "sdk")}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            said, _ = process.communicate(_code(stack, email) + "\n", timeout=60)
    assert "Booked for 50.00 EUR: " in said


def test_sample_script_holds_seats_first(stack: Stack, organizer: Person) -> None:
    script = (ROOT / "sdk" / "examples" / "held_booking.py").read_text()
    event = stack.event(organizer, name=f"Held {uuid4().hex}")
    organizer.see(f"/api/events/{event['id']}")
    said = _said(script, event["name"], f"{uuid4().hex}@example.test", stack.url)
    assert "Held for 100.00 EUR until " in said
    assert "More time: until " in said
    assert said.count("-") >= 14, "two codes"
    stack.settle()
    assert organizer.see(f"/api/events/{event['id']}")["categories"][0]["taken"] == 2


def _code(stack: Stack, email: str) -> str:
    """The code that the script has asked for, once it has."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return mailed_code(stack.settings, email)
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_expected_usage_runs_as_printed(stack: Stack, organizer: Person) -> None:
    """The printed code, except for the server's address."""
    stack.event(organizer, name="Listed by the SDK")
    script = (ROOT / "sdk" / "examples" / "expected_usage.py").read_text()
    script = script.replace("ApiClient()", f"ApiClient(__import__('event_sdk').Configuration(host={stack.url!r}))")
    assert _said(script).startswith("items=[Event(id=UUID(")


def test_readme_quick_start_runs(stack: Stack, organizer: Person, alice: Person) -> None:
    """The printed code, with an event and a user of this system instead of the demo's."""
    event = stack.event(organizer, name="Midsummer of the quick start")
    organizer.see(f"/api/events/{event['id']}")  # waits until all queries show it
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "sdk" / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        script = block.replace("ApiClient()", f"ApiClient(__import__('event_sdk').Configuration(host={stack.url!r}))")
        script = script.replace(" = Client()", f" = Client({stack.url!r})").replace("alice@example.test", alice.email)
        script = script.replace("demo-password", PASSWORD).replace('q="midsummer"', 'q="midsummer of the quick start"')
        said = _said(script)
    assert "100.00 ['" in said
    assert re.fullmatch(r"\d+ \{'General': \d+, 'VIP': 5\}", said.splitlines()[-1])


def test_lost_response_is_retried_and_nothing_is_executed_twice(
    proxy: LosingProxy, stack: Stack, organizer: Person, organizer_client: Client, alice: Person
) -> None:
    event = _new_event(organizer_client)
    client = _logged_in(proxy.url, alice)
    proxy.lose = 2
    booking = BookingsApi(client).book_tickets(event.id, _seats(2))
    assert proxy.lost == 2
    assert [booking_.id for booking_ in every(BookingsApi(client).get_bookings, event_id=event.id)] == [booking.id]
    assert EventsApi(client).get_event(event.id).available == 3


def test_given_idempotency_key_is_kept(organizer_client: Client, alice_client: Client) -> None:
    event = _new_event(organizer_client)
    first, again = (BookingsApi(alice_client).book_tickets(event.id, _seats(), idempotency_key="mine") for _ in range(2))
    other = BookingsApi(alice_client).book_tickets(event.id, _seats())
    assert first == again
    assert other.id != first.id


def test_client_reads_its_own_writes(organizer_client: Client, alice_client: Client) -> None:
    event = _new_event(organizer_client, capacity=30)
    for left in range(29, 9, -1):
        BookingsApi(alice_client).book_tickets(event.id, _seats())
        assert EventsApi(alice_client).get_event(event.id).available == left


def test_every_yields_complete_lists(organizer_client: Client, alice_client: Client) -> None:
    event = _new_event(organizer_client)
    made = [BookingsApi(alice_client).book_tickets(event.id, _seats()).id for _ in range(5)]
    listed = [booking.id for booking in every(BookingsApi(alice_client).get_bookings, event_id=event.id, limit=2)]
    assert listed == made[::-1]


def test_error_responses_have_named_exceptions(organizer_client: Client, alice_client: Client) -> None:
    event = _new_event(organizer_client, capacity=3, max_tickets_per_customer=2)
    with pytest.raises(CustomerLimit) as limit:
        BookingsApi(alice_client).book_tickets(event.id, _seats(3))
    assert (limit.value.problem.limit, limit.value.problem.held) == (2, 0)
    with pytest.raises(SoldOut) as sold_out:
        BookingsApi(organizer_client).book_tickets(event.id, _seats(4))
    assert (sold_out.value.status, sold_out.value.problem.available) == (409, 3)
    assert isinstance(sold_out.value, ConflictException)
    EventsApi(organizer_client).cancel_event(event.id)
    with pytest.raises(EventNotBookable) as cancelled:
        BookingsApi(alice_client).book_tickets(event.id, _seats())
    assert cancelled.value.problem.reason == "cancelled"


def test_codes_are_made_and_used(organizer_client: Client, alice_client: Client) -> None:
    event = _new_event(organizer_client, pools=[NewPool(name="Hall", capacity=4, categories=["General"])])
    made = EventsApi(organizer_client).make_codes(event.id, NewCodes(effect=CodeEffect.PERCENT, value=Decimal(10), max_tickets=2))
    order = NewBooking(tickets=[WantedTickets(category="General", quantity=2)], code=made.codes[0].lower())
    assert BookingsApi(alice_client).book_tickets(event.id, order).total_amount == Decimal("22.50")
    with pytest.raises(CodeSpent) as spent:
        BookingsApi(alice_client).book_tickets(event.id, order)
    assert spent.value.problem.left == 0
    with pytest.raises(CodeUnknown):
        BookingsApi(alice_client).book_tickets(event.id, NewBooking(tickets=order.tickets, code="NONE"))
    (batch,) = EventsApi(organizer_client).get_codes(event.id).items
    EventsApi(organizer_client).withdraw_codes(event.id, batch.id)
    seen = next(availability(alice_client, event.id))
    assert seen.pools.keys() == {"Hall"}


def test_unavailable_server_is_retried_and_then_an_error(stack: Stack, alice: Person) -> None:
    client = Client(f"http://127.0.0.1:{free_port()}", patience_seconds=0.5)
    began = datetime.now(UTC)
    with pytest.raises(Exception, match="refused"):
        client.log_in(alice.email, PASSWORD)  # without a key it is sent once
    with pytest.raises(Exception, match="refused"):
        EventsApi(client).get_events()
    assert datetime.now(UTC) - began < timedelta(seconds=5)


def test_busy_is_retried(stack: Stack, organizer_client: Client, alice: Person) -> None:
    """A process that accepts one waiting command responds to others with 503 and Retry-After."""
    event = _new_event(organizer_client, capacity=100)
    port = free_port()
    process = stack.start("app", PORT=str(port), COMMAND_QUEUE_LIMIT="1", LOG_LEVEL="ERROR")

    def book(patience_seconds: float) -> bool:
        client = Client(f"http://127.0.0.1:{port}", patience_seconds=patience_seconds)
        client.configuration.access_token = alice.token
        together.wait()
        try:
            BookingsApi(client).book_tickets(event.id, _seats())
        except Busy:
            return False
        return True

    together = threading.Barrier(8)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        with ThreadPoolExecutor(8) as pool:
            impatient: set[bool] = set()
            deadline = time.monotonic() + 60
            while impatient != {True, False} and time.monotonic() < deadline:  # on a busy machine all eight may be refused
                impatient |= set(pool.map(book, [0.0] * 8))
            patient = list(pool.map(book, [60.0] * 8))
    finally:
        process.terminate()
        process.wait(END_SECONDS)
    assert impatient == {True, False}
    assert all(patient)
    stack.settle()  # others bought than who asks
    assert EventsApi(organizer_client).get_event(event.id).available <= 100 - 9


def test_too_many_log_ins_have_retry_after(stack: Stack, alice: Person) -> None:
    port = free_port()
    process = stack.start("app", PORT=str(port), LOGIN_ATTEMPTS_PER_MINUTE="1")
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        client = Client(f"http://127.0.0.1:{port}", patience_seconds=0.5)
        refusals = []
        for _ in range(3):
            with pytest.raises(ApiException) as error:
                client.log_in("nobody.there@example.test", "wrong password")
            refusals.append(error.value)
    finally:
        process.terminate()
        process.wait(END_SECONDS)
    assert isinstance(refusals[-1], TooManyAttempts)
    assert int((refusals[-1].headers or {})["Retry-After"]) > 0


def test_live_availability_reconnects_after_a_broken_connection(
    proxy: LosingProxy, organizer_client: Client, alice_client: Client
) -> None:
    event = _new_event(organizer_client)
    seats = availability(Client(proxy.url), event.id)
    assert next(seats).available == 5
    BookingsApi(alice_client).book_tickets(event.id, _seats(2))
    now = next(seats)
    assert (now.available, now.categories, now.event_id) == (3, {"General": 3}, event.id)
    proxy.lose = 1  # breaks the stream at the next event
    BookingsApi(alice_client).book_tickets(event.id, _seats())
    later = next(seats_left for seats_left in itertools.islice(seats, 5) if seats_left.available == 2)
    assert later.position > now.position
    assert proxy.lost == 1


def test_refused_live_stream_is_an_error(stack: Stack) -> None:
    client = Client(stack.url)
    client.configuration.access_token = "x" * 43
    with pytest.raises(ApiException) as error:
        next(availability(client))
    assert error.value.status == 401
