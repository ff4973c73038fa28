"""The product's processes, forked where all is imported already: to import takes over a second.

A fork becomes what an operator starts in all but that: its arguments, environment, folder, inputs
and outputs are its own, and it ends as it will. One process of each test run forks.
"""

from __future__ import annotations

import json
import os
import platform
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from tools.postgres import ROOT

PRODUCT = "app.cli"
"""A module whose `main` is run."""
APP = str(Path(sys.executable).with_name("app"))
FORKS = platform.system() == "Linux"
"""Elsewhere every process starts from nothing, a second later."""
KEPT = ("PATH", "HOME", "LANG")
LONGEST = 120.0
"""Seconds that anybody waits for the end of a process."""


class Fork:
    """A process that was forked, as `subprocess.Popen` shows those that it starts."""

    def __init__(self, report: int) -> None:
        self._report = os.fdopen(report, "rb", buffering=0)
        self.pid = int(self._report.readline())
        self._code: int | None = None

    def poll(self) -> int | None:
        """How it ended, if it did: the exit code, or the negative number of a signal."""
        if self._code is None and self._is_told(0):
            with self._report:
                self._code = int(self._report.readline())
        return self._code

    def wait(self) -> int:
        """Raises `TimeoutError` when it does not come to an end."""
        if self._code is None and not self._is_told(LONGEST):
            self.kill()
            raise TimeoutError
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _is_told(self, within: float) -> bool:
        poll = select.poll()  # `select` itself knows no descriptors of four digits
        poll.register(self._report, select.POLLIN)
        return bool(poll.poll(within * 1_000))


def fork(
    arguments: Sequence[str],
    env: Mapping[str, str],
    folder: Path,
    *,
    streams: tuple[int, int, int],
    module: str = PRODUCT,
) -> Fork | subprocess.Popen[bytes]:
    """`streams` are the descriptors of its input, output and errors."""
    if not FORKS:
        return started(arguments, env, folder, streams=streams, module=module)
    report, written = os.pipe()
    told = {"arguments": [*arguments], "env": {**env}, "folder": str(folder), "module": module}
    try:
        way, _ = _nursery()
        socket.send_fds(way, [json.dumps(told).encode()], [*streams, written])
    finally:
        os.close(written)
    return Fork(report)


def started(
    arguments: Sequence[str],
    env: Mapping[str, str],
    folder: Path,
    *,
    streams: tuple[int, int, int],
    module: str = PRODUCT,
) -> subprocess.Popen[bytes]:
    """As `fork`, from nothing; the product by its console script."""
    stdin, stdout, stderr = streams
    program = [sys.executable, "-c", f"from {module} import main; main()"]
    return subprocess.Popen(
        [*([APP] if module == PRODUCT else program), *arguments],
        env=env,
        cwd=folder,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
    )


@cache
def _nursery() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The way to it, and itself; it ends when this process does, whose end is closed then."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            env={**kept, "PYTHONPATH": str(ROOT / "src")},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
    return ours, process


def _forked(connection: socket.socket) -> dict[str, Any] | None:
    """What the fork in which this returns is to become; None at the end of the nursery."""
    while True:
        message, (*streams, report), _, _ = _received(connection)
        if not message:
            return None
        if os.fork() == 0:
            connection.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if (pid := os.fork()) == 0:
                os.close(report)
                for stream, descriptor in enumerate(streams):
                    os.dup2(descriptor, stream)
                    os.close(descriptor)
                told: dict[str, Any] = json.loads(message)
                return told
            _keep(pid, report, streams)
        for descriptor in (*streams, report):
            os.close(descriptor)


def _received(connection: socket.socket) -> tuple[bytes, list[int], int, Any]:
    message, descriptors, flags, address = socket.recv_fds(connection, 1_000_000, 4)
    return message, descriptors or [-1], flags, address


def _keep(pid: int, report: int, streams: Sequence[int]) -> None:
    """Wait for the fork as its parent, and tell how it ended."""
    for stream in streams:
        os.close(stream)
    os.write(report, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    os.write(report, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(told: Mapping[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(told["env"])
    time.tzset()
    os.chdir(told["folder"])
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", buffering=1 if os.isatty(1) else -1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    sys.argv = ["app", *told["arguments"]]
    import_module(told["module"]).main()


def main() -> None:
    for module in (PRODUCT, "uvloop", "httptools"):
        import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        told = _forked(connection)
    if told is not None:
        _become(told)


if __name__ == "__main__":
    main()
