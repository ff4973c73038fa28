"""One line per step with its seconds; an old Python must be able to read this file.

To standard error: standard output belongs to what a command is asked for.
"""

import contextlib
import sys
import time
from collections.abc import Iterator

WIDTH = 56


class StepError(Exception):
    """A step cannot be done; the message is one line that says what to do."""


@contextlib.contextmanager
def step(what: str) -> "Iterator[None]":
    """Say what is being done and, when it is done, how many seconds it took."""
    print(f"  {what:<{WIDTH}}", end="", file=sys.stderr, flush=True)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        print(" failed", file=sys.stderr, flush=True)
        raise
    print(f"{time.monotonic() - began:6.1f} s", file=sys.stderr, flush=True)


def done(what: str, seconds: float) -> None:
    """Say the whole line at the end, for a step that prints lines of its own."""
    print(f"  {what:<{WIDTH}}{seconds:6.1f} s", file=sys.stderr, flush=True)


def fail(message: object) -> None:
    print(f"bulkhead: {message}", file=sys.stderr, flush=True)
