"""Named instructions at which a process may be told to die, to show that nothing is lost there."""

from __future__ import annotations

import os
import signal
from typing import Literal, get_args

FailPoint = Literal[
    "before_commit",
    "after_commit",
    "after_claim",
    "mid_handler",
    "after_handler_commit",
    "before_effect",
    "after_effect",
    "failure_record",
    "purge",
    "shutdown",
]

FAIL_POINTS: tuple[FailPoint, ...] = get_args(FailPoint)

VARIABLE = "FAILPOINT"
"""`name[:nth]`: the process kills itself when it comes to that point for the n-th time."""

_name, _, _nth = os.environ.get(VARIABLE, "").partition(":")
_passes_left = int(_nth or 1)
if _name and _name not in FAIL_POINTS:
    raise ValueError(f"{VARIABLE} names none of {', '.join(FAIL_POINTS)}")


def is_armed() -> bool:
    return bool(os.environ.get(VARIABLE))


def fail_point(name: FailPoint) -> None:
    """Die here by SIGKILL, if this is where the environment says so; otherwise nothing."""
    if name == _name:
        _die_at_last()


def _die_at_last() -> None:
    global _passes_left  # one countdown for the one process that dies
    _passes_left -= 1
    if _passes_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
