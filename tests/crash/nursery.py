"""The product's commands in processes that are up at once: forked where all is imported already."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import reload
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from app.shared.infrastructure import fail_points
from tests.e2e.socket.server import eventually

ENDS_WITHIN = 120.0

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.crash.process", "uvloop", "httptools"])


@dataclass
class Place:
    """A command and whoever runs it at present, until he is killed and succeeded."""

    arguments: tuple[str, ...]
    env: Mapping[str, str]
    log_file: Path

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.process: ForkServerProcess = _forks.Process(
            target=_become, args=(self.arguments, self.env, self.log_file), daemon=True
        )
        self.process.start()

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    async def ended(self) -> int | None:
        """How it ended, once it did: the exit code, or the negative number of a signal."""

        async def is_over() -> bool:
            return not self.process.is_alive()

        await eventually(is_over, within=ENDS_WITHIN)
        return self.process.exitcode

    async def end(self) -> int | None:
        """By SIGTERM."""
        self.process.terminate()
        return await self.ended()

    def kill(self) -> int | None:
        """By SIGKILL, if it has not ended before; returns how it did."""
        self.process.kill()
        self.process.join()
        return self.process.exitcode


def _become(arguments: tuple[str, ...], env: Mapping[str, str], log_file: Path) -> None:
    # Not above: it changes the product for the whole process.
    from tests.crash.process import main

    os.environ.clear()
    os.environ.update(env)
    reload(fail_points)  # the one that reads its variable when it is imported
    with log_file.open("ab") as log:
        for output in (1, 2):
            os.dup2(log.fileno(), output)
    sys.argv = ["app", *arguments]
    main()
