"""Settings are read from the environment; invalid ones are reported by name."""

from pathlib import Path

import pytest

from ledger.settings import Settings, SettingsError


def test_settings_without_an_environment_have_defaults() -> None:
    settings = Settings.from_env({})
    assert settings == Settings()
    assert (settings.port, settings.server_url, settings.keys) == (8000, "http://localhost:8000", Path(".data/keys"))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("PORT", "9000", 9000), ("PORT", " 9000 ", 9000), ("COMMAND_TIMEOUT_SECONDS", "0.5", 0.5), ("DEMO", "1", True),
        ("DEMO", "public", "public"),
        ("DEMO", "no", False), ("SECURE_COOKIES", "True", True), ("DATA_DIR", "/srv/data", Path("/srv/data")),
        ("KEYS_DIR", "k", Path("k")),
        ("CURRENCY", "JPY", "JPY"), ("DATABASE_URL", "postgresql:", "postgresql:"), ("PORT", " ", 8000),
    ],
)  # fmt: skip
def test_a_variable_sets_the_field_of_its_name(name: str, text: str, value: object) -> None:
    assert getattr(Settings.from_env({name: text}), name.lower()) == value


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("PORT", "http", "PORT is 'http', which is not a whole number."),
        ("PORT", "0", "PORT is 0, which is not between 1 and 65535."),
        ("PORT", "65536", "PORT is 65536, which is not between 1 and 65535."),
        ("QUERY_TIMEOUT_SECONDS", "soon", "QUERY_TIMEOUT_SECONDS is 'soon', which is not a number."),
        ("QUERY_TIMEOUT_SECONDS", "nan", "QUERY_TIMEOUT_SECONDS is nan, which is not above 0."),
        ("QUERY_TIMEOUT_SECONDS", "-1", "QUERY_TIMEOUT_SECONDS is -1.0, which is not above 0."),
        ("COMMAND_QUEUE_LIMIT", "0", "COMMAND_QUEUE_LIMIT is 0, which is not above 0."),
        ("CURRENCY", "eur", "CURRENCY is 'eur', which is not an ISO 4217 code."),
        ("DEMO", "maybe", "DEMO is 'maybe', which is not 1, 0 or public."),
        ("SECURE_COOKIES", "2", "SECURE_COOKIES is '2', which is not 1 or 0."),
    ],
)
def test_an_invalid_setting_is_reported_in_one_sentence(name: str, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_env({name: text})
    assert str(error.value) == sentence


def test_secrets_may_be_in_files(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://me:secret@db/seats\n")
    assert Settings.from_env({"DATABASE_URL_FILE": str(file)}).database_url == "postgresql://me:secret@db/seats"
    assert Settings.from_env({"DATABASE_URL_FILE": str(file), "DATABASE_URL": "postgresql:///x"}).database_url == "postgresql:///x"
    assert Settings.from_env({"CURRENCY_FILE": str(file)}).currency == "EUR", "no secret"
    with pytest.raises(SettingsError, match=r"DATABASE_URL_FILE is '.*', which can't be read: .*No such file"):
        Settings.from_env({"DATABASE_URL_FILE": str(tmp_path / "none")})


def test_settings_reach_child_processes_unchanged() -> None:
    settings = Settings(
        port=9000, demo=False, keys_dir=Path("/k"), secure_cookies=True, freshness_timeout_seconds=0.25, public_url="https://x/"
    )
    assert Settings.from_env(settings.to_env()) == settings
    assert settings.server_url == "https://x"


@pytest.mark.parametrize(
    ("environ", "is_secure"),
    [
        ({}, False), ({"PUBLIC_URL": "https://x"}, True), ({"PUBLIC_URL": "http://x"}, False),
        ({"PUBLIC_URL": "https://x", "SECURE_COOKIES": "0"}, False), ({"SECURE_COOKIES": "1"}, True),
    ],
)  # fmt: skip
def test_cookies_are_for_https_where_people_use_it(environ: dict[str, str], is_secure: bool) -> None:
    assert Settings.from_env(environ).has_secure_cookies is is_secure


STRIPE = {
    "STRIPE_API_KEY": "sk_live_1", "STRIPE_PUBLISHABLE_KEY": "pk_live_2", "STRIPE_WEBHOOK_SECRET": "whsec_3",
}  # fmt: skip
TEST_KEYS = {**STRIPE, "STRIPE_API_KEY": "rk_test_1", "STRIPE_PUBLISHABLE_KEY": "pk_test_2"}
LOCAL = {**TEST_KEYS, "STRIPE_TEST": "1", "STRIPE_API_BASE": "http://127.0.0.1:8420", "DEMO": "1"}


@pytest.mark.parametrize("environment", [{}, STRIPE, {**TEST_KEYS, "STRIPE_TEST": "1"}, LOCAL])
def test_stripe_needs_all_its_keys(environment: dict[str, str]) -> None:
    assert Settings.from_env(environment).stripe_api_key == environment.get("STRIPE_API_KEY", "")


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"STRIPE_API_KEY": "sk_live_1"}, "Stripe needs STRIPE_PUBLISHABLE_KEY and STRIPE_WEBHOOK_SECRET, too."),
        ({**STRIPE, "STRIPE_WEBHOOK_SECRET": ""}, "Stripe needs STRIPE_WEBHOOK_SECRET, too."),
        (
            {**STRIPE, "STRIPE_API_KEY": "pk_live_2"},
            "STRIPE_API_KEY is no such key of Stripe: it does not begin with sk_ or rk_.",
        ),
        (
            {**STRIPE, "STRIPE_WEBHOOK_SECRET": "3"},
            "STRIPE_WEBHOOK_SECRET is no such key of Stripe: it does not begin with whsec_.",
        ),
        (TEST_KEYS, "STRIPE_API_KEY is a test key, with which nobody pays: set STRIPE_TEST=1 if that is meant."),
        (
            {**STRIPE, "STRIPE_PUBLISHABLE_KEY": "pk_test_2"},
            "STRIPE_PUBLISHABLE_KEY is a test key, with which nobody pays: set STRIPE_TEST=1 if that is meant.",
        ),
        ({**STRIPE, "STRIPE_TEST": "1"}, "STRIPE_API_KEY takes money: STRIPE_TEST=1 is for test keys."),
        ({"STRIPE": "remote"}, "STRIPE is 'remote', which is not empty or local."),
        *(
            ({**LOCAL, **other}, "STRIPE_API_BASE is only for an address of this machine, with DEMO=1 and STRIPE_TEST=1.")
            for other in (
                {"DEMO": "0"}, {"DEMO": "public"}, {**STRIPE, "STRIPE_TEST": "0"}, {"STRIPE_API_BASE": "http://stripe.test"},
                {"STRIPE_API_BASE": "127.0.0.1:8420"},
            )
        ),
    ],
)  # fmt: skip
def test_keys_of_stripe_that_do_not_fit_are_reported(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_env(environment)
    assert str(error.value) == sentence
    assert not any(key and key in sentence for name, key in environment.items() if name in STRIPE)
