"""Many commands in one process, each by the console script's function: importing takes a second."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path


class CommandLine:
    """A process that runs what it is told, one command after the other, without a terminal."""

    def __init__(self, env: Mapping[str, str], folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env=env,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    async def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(self._run, arguments)

    def close(self) -> None:
        self._process.communicate(timeout=120)

    def _run(self, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        code, stdout, stderr = json.loads(self._process.stdout.readline())
        return subprocess.CompletedProcess(arguments, code, stdout, stderr)


def _run_as_told() -> None:
    from app.cli import main  # for this process only

    for line in sys.stdin:
        sys.argv = ["app", *json.loads(line)]
        stdout, stderr = StringIO(), StringIO()
        code: object = 0
        with redirect_stdout(stdout), redirect_stderr(stderr):
            try:
                main()
            except SystemExit as end:
                code = end.code or 0
        sys.stdout.write(json.dumps((code, stdout.getvalue(), stderr.getvalue())) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _run_as_told()
