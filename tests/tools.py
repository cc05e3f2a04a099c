"""Programs that tests need and a machine may lack."""

import os
import shutil

import pytest


def find(program: str, path: str | None = None) -> str:
    """The path of the program. If it is missing, the test is skipped; in continuous integration it fails."""
    found = shutil.which(program, path=path)
    if found is None and "CI" not in os.environ:
        pytest.skip(f"{program} is missing: make system")
    assert found is not None, f"{program} is missing: make system"
    return found
