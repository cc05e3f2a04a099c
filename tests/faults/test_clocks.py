"""R12: the clock of one API process is an hour ahead, or behind; its rules go by the time in the database nevertheless."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests import tools
from tests.running_system import ROOT, Person, Stack, free_port, tickets, wait_until_ready
from tests.soak import END_SECONDS


@pytest.mark.parametrize("hours", [-1, 1])
def test_api_process_with_a_wrong_clock(stack: Stack, organizer: Person, alice: Person, hours: int) -> None:
    tools.find("faketime")
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    now, port = datetime.now(UTC), free_port()
    opens_later = stack.event(organizer, sales_open_at=(now + timedelta(minutes=30)).isoformat())
    opened = stack.event(organizer, sales_open_at=(now - timedelta(minutes=30)).isoformat())
    closed_soon = stack.event(organizer, sales_close_at=(now + timedelta(minutes=30)).isoformat())
    faked = {"LD_PRELOAD": str(library), "FAKETIME": f"{hours:+d}h", "DONT_FAKE_MONOTONIC": "1", "PORT": str(port)}
    settings = stack.settings.to_env() | {"DATABASE_URL": stack.runtime_url, "RUNTIME_DATABASE_URL": ""}
    api = subprocess.Popen([sys.executable, "-m", "app"], cwd=ROOT, env={**os.environ, **settings, **faked})
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url)
        with httpx.Client(base_url=url, timeout=30) as http:
            there = Person(http, alice.id, alice.token)
            assert "/problems/not-on-sale" in there.do("POST", f"/api/events/{opens_later['id']}/bookings", tickets()).text
            there.ok("POST", f"/api/events/{opened['id']}/bookings", tickets())
            booking = there.ok("POST", f"/api/events/{closed_soon['id']}/bookings", tickets())
        off = datetime.fromisoformat(booking["booked_at"]) - datetime.now(UTC)
        print(f"R12: clock {hours:+d} h: booked {abs(off.total_seconds()):.1f} s ago")
        assert abs(off) < timedelta(seconds=30)
    finally:
        api.terminate()
        api.wait(END_SECONDS)
