"""Child processes that end with the process that started them, even if that one is killed by SIGKILL."""

import shutil
import signal
from collections.abc import Sequence


def ending_with_parent(command: Sequence[str], death_signal: signal.Signals = signal.SIGKILL) -> list[str]:
    """The command, started so that the kernel sends it `death_signal` when the thread that started it ends.

    Needs setpriv (util-linux); without it the command stays as it is.
    """
    setpriv = shutil.which("setpriv")
    prefix = [setpriv, "--pdeathsig", death_signal.name.removeprefix("SIG")] if setpriv else []
    return [*prefix, *command]
