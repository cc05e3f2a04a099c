"""The Makefile, the pinned requirements, the layers and the pre-commit hooks."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from devstack import stack

ROOT = Path(__file__).parent.parent.parent
MAKEFILE = (ROOT / "Makefile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("requirements.txt", "requirements-otel.txt", "requirements-dev.txt", "requirements-node.txt", "requirements-audit.txt")


def _make(*targets: str) -> str:
    return subprocess.run(["make", *targets], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_make_without_target_lists_every_target() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony
    listed = re.findall(r"^  make ([\w-]+) +\S", _make(), re.MULTILINE)
    assert sorted(listed) == sorted(phony[1].split())
    assert {"setup", "run", "test", "lint", "types", "migrate", "seed", "bench", "api", "worker", "tick"} <= set(listed)


@pytest.mark.parametrize("name", stack.COMMANDS)
def test_make_targets_run_the_same_commands_as_the_stack(name: str) -> None:
    assert f"{stack.COMMANDS[name].replace('python', '.venv/bin/python')}\n" in _make("--dry-run", name)


def test_continuous_integration_runs_make_test() -> None:
    assert (ROOT / ".ci" / "run").read_text().endswith("make test\n")
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_pre_commit_hooks_run_the_same_checks_as_make() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    for hook in hooks:
        command = hook["entry"].removesuffix(" --force-exclude")
        assert command.replace(".venv/bin/python", "$(RUN)") in MAKEFILE or command in MAKEFILE


@pytest.mark.parametrize("name", LOCKS)
def test_requirements_are_pinned_with_hashes_and_name_no_registry(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"://|^\s*-[a-z-]*(index|find-links|host|e )|(^|\s)\.?/\w", text, re.MULTILINE)
    for requirement in text.replace("\\\n", " ").splitlines():
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+( ; [^#]+?)?( +--hash=sha256:[0-9a-f]{64})+$", requirement), requirement


def test_required_packages_are_pinned() -> None:
    runtime, traced, everything, node, audit = ({_name(line) for line in (ROOT / lock).read_text().splitlines()} for lock in LOCKS)
    extras = PROJECT["project"]["optional-dependencies"]
    assert {_name(line) for line in PROJECT["project"]["dependencies"]} <= runtime
    assert runtime < traced < everything
    assert {_name(line) for group in extras.values() for line in group} | runtime <= everything
    assert {_name(line) for line in PROJECT["dependency-groups"]["node"]} <= node
    assert {_name(line) for line in PROJECT["dependency-groups"]["audit"]} <= audit


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0].replace("_", "-").lower()


def test_every_package_is_in_a_layer() -> None:
    packages = {init.parent.name for init in ROOT.glob("*/__init__.py")} - {"benchmarks"}
    layers = next(contract["layers"] for contract in PROJECT["tool"]["importlinter"]["contracts"] if contract["type"] == "layers")
    assert packages == {name for layer in layers for name in layer.split(" | ")}
    assert packages == set(PROJECT["tool"]["importlinter"]["root_packages"])


def test_root_contains_only_papers_and_configuration() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    in_root = {Path(name) for name in tracked if "/" not in name}
    named = {"Dockerfile", "Makefile", "LICENSE", "NOTICE"}
    assert {path.name for path in in_root if path.suffix not in (".md", ".toml", ".txt", ".yaml", ".yml", "")} == set()
    assert {path.name for path in in_root if not path.suffix and not path.name.startswith(".")} == named
