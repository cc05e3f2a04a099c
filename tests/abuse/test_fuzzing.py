"""Requests made at random from each OpenAPI document by Schemathesis: no 5xx, and no response that the document does not know."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from ledger.settings import COMPAT_APIS
from tests.running_system import Person, Stack
from tests.soak import SOAK, rounds

PROGRAM = Path(sys.executable).with_name("schemathesis")
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance"
)
#: These end the session of who sends them; a live stream has no end.
EXCLUDED = ("log_out", "erase_me", "get_live")
#: Requests by operation in the random phases.
EXAMPLES = rounds(5, 40)
PHASES = ("examples", "coverage", "fuzzing", "stateful") if SOAK else ("examples", "fuzzing")
#: Schemathesis 4.32 sends numbers from links as headers, which its own client refuses.
WITHOUT_STATES = ("event-ticketing",)
only_in_soak = pytest.mark.skipif(not SOAK, reason="minutes: make soak")


def fuzz(base: str, document: str, directory: Path, token: str = "", phases: Iterable[str] = PHASES) -> int:
    """The number of requests sent. Fails with what Schemathesis has found."""
    command = [str(PROGRAM), "run", document, "--url", base, "--checks", CHECKS, "--max-examples", str(EXAMPLES)]
    command += ["--phases", ",".join(phases), "--continue-on-failure", "--warnings", "off", "--no-color", "--request-timeout", "20"]
    command += [word for name in EXCLUDED for word in ("--exclude-operation-id", name)]
    if token:
        command += ["-H", f"Authorization: Bearer {token}"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=3000, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    sent = re.search(r"(\d+) generated", done.stdout)
    assert sent, done.stdout[-2_000:]
    return int(sent[1])


@pytest.fixture(scope="module", autouse=True)
def something(stack: Stack, organizer: Person) -> None:
    """Without any entry there is no checkpoint."""
    stack.event(organizer)
    stack.settle()


@pytest.mark.parametrize(
    "role", ["organizer", *(pytest.param(role, marks=only_in_soak) for role in ("nobody", "customer", "auditor", "admin"))]
)
def test_api(stack: Stack, role: str, tmp_path: Path) -> None:
    person = stack.nobody() if role == "nobody" else stack.person(role)
    sent = fuzz(stack.url, f"{stack.url}/openapi.json", tmp_path, person.token)
    print(f"S1: {sent} requests by {role}")


@pytest.mark.parametrize("name", COMPAT_APIS)
def test_other_apis(stack: Stack, name: str, tmp_path: Path) -> None:
    base = f"{stack.url}/compat/{name}"
    phases = [phase for phase in PHASES if phase != "stateful" or name not in WITHOUT_STATES]
    sent = fuzz(base, f"{base}/openapi.json", tmp_path, phases=phases)
    print(f"S1: {sent} requests to {name}")
