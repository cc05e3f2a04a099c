"""`STRIPE=local`: for the demo alone, and then events can be paid by card."""

from pathlib import Path

import httpx
import pytest

from tests.devstack.stack_process import environment_of, refusal
from tests.stripe_servers import KEYS, stripe_stand_in

ONLY_DEMO = "STRIPE=local is for the demo alone: set DEMO=1, and no key of Stripe.\n"


@pytest.mark.parametrize(
    "more",
    [
        {"DEMO": "0"},
        {"DEMO": "public"},
        {name.upper(): str(int(value) if value is True else value) for name, value in KEYS.items()},
    ],
)
def test_it_is_for_the_demo_alone(more: dict[str, str], server_directory: Path) -> None:
    assert refusal(environment_of(server_directory, STRIPE="local", **more)) == ONLY_DEMO


def test_its_script_takes_a_card() -> None:
    with stripe_stand_in("http://127.0.0.1:9/") as stand_in:
        script = httpx.get(f"{stand_in.url}/js.stripe.com/v3/")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.text.index("Stripe = (apiKey)") < script.text.index("stripe.confirmCardPayment = async (client_secret")
