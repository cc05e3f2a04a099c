"""How long random tests go on: `make test` plays some rounds, `make soak` (SOAK=1) many."""

import os

SOAK = "SOAK" in os.environ


def rounds(usual: int, soak: int) -> int:
    return soak if SOAK else usual
