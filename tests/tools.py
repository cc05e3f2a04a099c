"""Programs that tests use and a machine may lack."""

import os
import shutil

import pytest


def find(program: str, path: str | None = None) -> str:
    """Where it is. Without it the test is left out; in continuous integration, which leaves nothing out, it fails."""
    found = shutil.which(program, path=path)
    if found is None and "CI" not in os.environ:
        pytest.skip(f"{program} is missing: make system")
    assert found is not None, f"{program} is missing: make system"
    return found
