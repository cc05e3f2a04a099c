"""Which passwords are accepted: by their length alone, and each is verified as it was typed."""

from uuid import uuid4

import pytest

from tests.running_system import Stack


def sign_up(stack: Stack, password: str) -> tuple[int, str]:
    email = f"{uuid4().hex}@example.test"
    return stack.nobody().do("POST", "/api/signup", {"name": "A", "email": email, "password": password}).status_code, email


@pytest.mark.parametrize("length", [1, 7, 201])
def test_password_of_another_length_is_refused(length: int, stack: Stack) -> None:
    assert sign_up(stack, uuid4().hex[:1] * length)[0] == 422


@pytest.mark.parametrize(
    "password",
    [
        "zuh vqxa", "80351297461", "ÄÖÜß œuvre", "密码是秘密的东西", "🎟🎫🎭🎪🎨🎬🎤🎧", "  blanks around  ", "qmwzxvutrplk",
        "%_\\'\";--{}<>", 4 * "tq8 Vz-w1_kR.x5b", 10 * "tq8 Vz-w1_kR.x5b0123",
    ],
)  # fmt: skip
def test_password_of_any_composition_is_verified_as_typed(password: str, stack: Stack) -> None:
    status, email = sign_up(stack, password)
    assert status == 201
    log_in = [stack.nobody().do("POST", "/api/login", {"email": email, "password": each}).status_code for each in others(password)]
    assert set(log_in) == {401}
    assert stack.nobody().do("POST", "/api/login", {"email": email, "password": password}).status_code == 200


def others(password: str) -> set[str]:
    """Nearly the same."""
    return {password[:-1], f"{password[:-1]} ", password.swapcase(), password.strip(), password[::-1]} - {password}
