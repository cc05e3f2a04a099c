"""The time to import the SDK, and its overhead per request."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from event_sdk import ApiClient, Configuration, EventsApi
from tests.running_system import Person, Stack

ROOT = Path(__file__).parent.parent.parent
#: At most so many times what the import of the libraries that it needs takes.
IMPORT_FACTOR = 4
ROUNDS = 60


def _import_seconds(statement: str) -> float:
    """CPU, at best of five."""
    command = [sys.executable, "-c", f"import time; t = time.process_time(); {statement}; print(time.process_time() - t)"]
    return min(float(subprocess.run(command, cwd=ROOT / "sdk", capture_output=True, check=True).stdout) for _ in range(5))


def test_sdk_import_is_fast() -> None:
    needed = _import_seconds("import pydantic.main, urllib3, dateutil.parser")
    took = _import_seconds("import event_sdk; from event_sdk import ApiClient, EventsApi")
    print(f"import event_sdk with its client and an API, CPU: {took * 1000:.0f} ms, of which what it needs {needed * 1000:.0f}")
    assert took < IMPORT_FACTOR * needed


def test_get_events_is_nearly_as_fast_as_httpx(stack: Stack, organizer: Person) -> None:
    for _ in range(50):
        stack.event(organizer, name="Measured")
    assert len(organizer.see("/api/events")["items"]) == 50, "a full page"
    api = EventsApi(ApiClient(Configuration(host=stack.url)))
    sdk: list[float] = []
    plain: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        assert api.get_events().items
        between = time.perf_counter()
        assert stack.http.get("/api/events").json()["items"]
        sdk.append(between - began)
        plain.append(time.perf_counter() - between)
    by_sdk, by_httpx = statistics.median(sdk), statistics.median(plain)
    print(f"get_events: {by_sdk * 1000:.1f} ms by the SDK, {by_httpx * 1000:.1f} by httpx: {by_sdk / by_httpx:.2f} x")
    assert by_sdk < 1.5 * by_httpx
