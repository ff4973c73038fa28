"""The console script on a terminal, as an operator has it."""

from __future__ import annotations

import os
import pty
import subprocess
import termios
from collections.abc import Mapping, Sequence

from tests.e2e.socket.server import APP


def on_terminal(
    arguments: Sequence[str], env: Mapping[str, str], *, typed: str = "", columns: int = 80
) -> tuple[int, str]:
    """The exit code, and everything that the terminal showed."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    try:
        process = subprocess.Popen(
            [APP, *arguments], env=env, stdin=theirs, stdout=theirs, stderr=theirs
        )
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
    return process.wait(timeout=120), shown.decode()
