"""How much of each attack is made: a short form with the other tests, all by `make attack`."""

from __future__ import annotations

import os

FULL = os.environ.get("ATTACK_SIZE") == "full"
"""Then times are measured too; in the short form the same checks count what is done instead."""


def sized(short: int, full: int) -> int:
    """The number that this run is to use."""
    return full if FULL else short
