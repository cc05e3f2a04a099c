"""Operators' commands, beside a running system."""

import os
import subprocess
import time

from ledger.settings import Settings
from tests import forked_processes


def ended(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m projections`, once the worker has verified everything by itself and has caught up."""
    for _ in range(120):
        done = forked_processes.run(("projections", *arguments), {**os.environ, **settings.to_env()})
        if not any(reason in done.stderr for reason in ("is under way", "is behind the entries", "is folding")):
            break
        time.sleep(0.5)
    return done


def operate(settings: Settings, *arguments: str) -> str:
    """What such a command, which succeeds, prints."""
    done = ended(settings, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
