"""The page's lock file names no registry and contains every required package, as `npm ci` needs it."""

import json
from pathlib import Path

FRONTEND = Path(__file__).parent.parent.parent / "frontend"
LOCK = json.loads((FRONTEND / "package-lock.json").read_text())
PACKAGE = json.loads((FRONTEND / "package.json").read_text())


def test_required_packages_are_pinned() -> None:
    asked = PACKAGE["dependencies"] | PACKAGE["devDependencies"]
    assert all(version[0].isdigit() for version in asked.values()), "exact versions"
    assert {name: LOCK["packages"][f"node_modules/{name}"]["version"] for name in asked} == asked


def test_optional_packages_are_in_the_lock_file() -> None:
    """npm omits optional packages that it could not fetch when it wrote the lock file, and `npm ci` then refuses the file."""
    held = {path.rpartition("node_modules/")[2] for path in LOCK["packages"]}
    for path, package in LOCK["packages"].items():
        assert set(package.get("optionalDependencies", {})) <= held, path


def test_lock_file_names_no_registry() -> None:
    text = (FRONTEND / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert all("integrity" in package for path, package in LOCK["packages"].items() if path)
