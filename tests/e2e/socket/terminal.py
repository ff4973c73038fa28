"""The console script on a terminal, as an operator has it."""

from __future__ import annotations

import os
import pty
import termios
from collections.abc import Mapping, Sequence

from tests.e2e.socket.nursery import fork
from tools.postgres import ROOT


def on_terminal(
    arguments: Sequence[str], env: Mapping[str, str], *, typed: str = "", columns: int = 80
) -> tuple[int, str]:
    """The exit code, and everything that the terminal showed."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    try:
        process = fork(arguments, env, ROOT, streams=(theirs, theirs, theirs))
    finally:
        os.close(theirs)
    os.write(ours, typed.encode())
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:
        pass  # how Linux says that nobody has the other end open any more
    finally:
        os.close(ours)
    return process.wait(), shown.decode()
