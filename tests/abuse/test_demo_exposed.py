"""Demo data where others could reach them: the demo's accounts, whose password is published, work only while DEMO is on."""

import os
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from ledger.settings import Settings
from seed.demo import PASSWORD, PEOPLE
from tests import forked_processes
from tests.devstack.stack_process import environment_of
from tests.running_system import Person, Stack, system_settings

REFUSED = "HOST is {host}, where everybody could log in as the demo's admin: set DEMO=0, or DEMO=public if that is meant."


@pytest.fixture
def on_demo_data(database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Seatledger with DEMO=0 on the data of a demo."""
    settings = system_settings(database_url, redis_url, tmp_path_factory.mktemp("demo"))
    done = forked_processes.run(("seed",), {**os.environ, **replace(settings, demo=True).to_env()})
    assert done.returncode == 0, done.stderr
    stack = Stack(replace(settings, demo=False))
    yield stack
    stack.stop()


def log_in(url: str, email: str) -> httpx.Response:
    return httpx.post(f"{url}/api/login", json={"email": email, "password": PASSWORD}, timeout=10)


def test_accounts_of_a_demo_are_closed_where_it_is_off(on_demo_data: Stack) -> None:
    stack = on_demo_data
    with stack.another_api(DEMO="1") as demo_url:
        sessions = [log_in(demo_url, email) for _, email, _ in PEOPLE]
        assert [session.status_code for session in sessions] == [200] * len(PEOPLE)
        tokens = [session.json()["access_token"] for session in sessions]
        refused = [log_in(stack.url, email) for _, email, _ in PEOPLE]
        refused += [Person(stack.http, token=token).do("GET", "/api/me") for token in tokens]
        refused += [stack.http.get("/api/users", headers={"Cookie": f"seatledger_session={token}"}) for token in tokens]
    assert {response.status_code for response in refused} == {401}
    assert stack.http.get("/api/about").json()["demo_accounts"] == []
    assert stack.admin.ok("GET", "/api/users?q=admin@example.test")["items"], "the data are still there"
    print(f"S23: {len(refused)} log-ins and tokens of the demo's accounts, all refused")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.test"])
def test_demo_is_not_served_to_everybody_by_accident(host: str, settings: Settings) -> None:
    """Neither by one process nor by `make run`, whose demo is on by default."""
    message = REFUSED.format(host=host)
    done = forked_processes.run(("app",), {**os.environ, **replace(settings, demo=True).to_env(), "HOST": host})
    assert (done.returncode, done.stderr.strip()) == (1, message)
    environment = environment_of(settings.data_dir / "own", HOST=host, PORT=str(settings.port))
    del environment["DEMO"]
    done = forked_processes.run(("devstack",), environment)
    assert (done.returncode, done.stderr.strip()) == (1, message)
    assert not (settings.data_dir / "own" / "postgresql").exists(), "nothing was started"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.5", "::1", "localhost"])
def test_demo_is_served_on_loopback(host: str) -> None:
    assert Settings(database_url="postgresql:", redis_url="redis:", demo=True, host=host).demo


def test_demo_may_be_public_if_that_is_meant() -> None:
    settings = Settings.from_env({"DEMO": "public", "HOST": "0.0.0.0"})
    assert Settings.from_env(settings.to_env()).demo == "public"
