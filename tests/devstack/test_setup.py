"""`make setup` without a required program: it reports what is missing and what to do."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files of a clone that `make` reads."""
    (tmp_path / "frontend").mkdir()
    (tmp_path / "devstack").mkdir()
    for name in (
        "Makefile",
        "requirements-dev.txt",
        "requirements-node.txt",
        "devstack/__init__.py",
        "devstack/server_files.py",
        "devstack/server_user.py",
    ):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(ROOT / "frontend" / name, tmp_path / "frontend")
    return tmp_path


def _tools(directory: Path, *names: str) -> str:
    """A PATH with only these programs."""
    directory.mkdir()
    for name in names:
        found = shutil.which(name)
        assert found
        (directory / name).symlink_to(found)
    return str(directory)


def _make(clone: Path, *arguments: str, status: int = 2, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "PYTHON")}
    make = shutil.which("make")
    assert make
    done = subprocess.run([make, *arguments], cwd=clone, env={**kept, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == status
    return done.stdout


NO_PYTHON = "Python 3.11 to 3.14 is required: install it, or set PYTHON to its path.\n"


def test_missing_python_is_reported(clone: Path, tmp_path: Path) -> None:
    assert _make(clone, "setup", PATH=_tools(tmp_path / "bin", "sh", "find", "awk", "id")) == NO_PYTHON
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("version", ["(3, 10)", "(3, 15)"])
def test_unsupported_python_is_reported(version: str, clone: Path, tmp_path: Path) -> None:
    """A program that behaves like a Python that is too old or too new."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c \"import sys; sys.version_info = {version}; $2\"\n")
    python.chmod(0o755)
    assert _make(clone, "setup", f"PYTHON={python}") == NO_PYTHON
    assert not (clone / ".venv").exists()


def test_missing_node_is_reported_if_pypi_has_none(clone: Path, tmp_path: Path) -> None:
    python = clone / ".venv" / "bin" / "python"  # its pip finds no packages
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    path = _tools(tmp_path / "bin", "sh", "find", "mkdir", "ln")
    said = _make(clone, "frontend/node_modules/.installed", "--assume-old=.venv/.installed", PATH=path)
    assert said.splitlines() == [
        "Node 20.19 or later with npm is missing: installing Node from PyPI into .venv.",
        "Building the page needs Node 20.19 or later with npm, and PyPI has no build for this system: install it (see nodejs.org).",
    ]
    assert not (clone / "frontend" / "node_modules").exists()


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("1", 2)])
def test_missing_tools_skip_tests_except_in_continuous_integration(ci: str, status: int, clone: Path, tmp_path: Path) -> None:
    path = _tools(tmp_path / "bin", "sh", "find", "id")
    said = _make(clone, "system", PATH=path, CI=ci, status=status)
    assert "is missing, so the tests of" in said
    assert "are skipped: install it (Debian: apt-get install" in said
