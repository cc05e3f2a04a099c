"""What tests need and a machine may lack: programs, and the rights of root. In CI nothing may be skipped for that."""

import os
import shutil

import pytest


def find(*programs: str, path: str | None = None) -> str:
    """The path of the first installed one of the programs. If there is none, the test is skipped; in CI it fails."""
    installed = next(filter(None, (shutil.which(program, path=path) for program in programs)), None)
    if installed is None and "CI" not in os.environ:
        pytest.skip(f"{programs[0]} is missing: make system")
    assert installed is not None, f"{programs[0]} is missing: make system"
    return installed


def needs_root(reason: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(os.geteuid() != 0 and "CI" not in os.environ, reason=reason)
