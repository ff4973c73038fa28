"""The development database: the server of DATABASE_URL, or else the embedded one.

`python -m tools.database COMMAND...` runs a command with DATABASE_URL set to it.
"""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import asyncpg
from dotenv import dotenv_values

from tools.cluster import PostgresError
from tools.postgres import ROOT, EmbeddedPostgres
from tools.sharing import SharedPostgres
from tools.steps import StepError, fail, step

CONNECT_TIMEOUT = 5.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SIGNALLED = 128
"""What a shell adds to the number of the signal that ended a command."""


def configured(name: str) -> str | None:
    """A setting as the application would find it: in the environment, else in .env."""
    return os.environ.get(name) or dotenv_values(ROOT / ".env").get(name) or None


def embedded() -> EmbeddedPostgres:
    return EmbeddedPostgres(ROOT / (configured("APP_DATA_DIR") or ".data") / "postgres")


@contextlib.contextmanager
def development_database(*, share: bool) -> Iterator[str]:
    """The URL of a database that answers, for as long as the block runs.

    With `share`, a server that another process keeps running is used as it is, and one that is
    started here stays for the others who share it. Raises StepError.
    """
    url = configured("DATABASE_URL")
    if url is not None:
        with step("reach the database of DATABASE_URL"):
            _reach(url)
        yield url
        return
    server = embedded()
    shared = SharedPostgres(server) if share else None
    try:
        running = shared.join() if shared else None
        if running is None:
            with step("start PostgreSQL"):
                running = (shared or server).start()
            if server.notice is not None:
                print(f"  ({server.notice})", file=sys.stderr, flush=True)
    except PostgresError as error:
        raise StepError(str(error)) from error
    try:
        yield running
    finally:
        (shared or server).stop()


def _reach(url: str) -> None:
    async def connect() -> None:
        plain = re.sub(r"^\w+(\+\w+)?://", "postgresql://", url)
        connection = await asyncpg.connect(plain, timeout=CONNECT_TIMEOUT)
        await connection.close()

    try:
        asyncio.run(connect())
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # What asyncpg says of an URL that it cannot read may quote a part of the password.
        unreadable = isinstance(error, ValueError | asyncpg.InterfaceError)
        reason = "it is no URL of PostgreSQL" if unreadable else str(error) or "no answer"
        raise StepError(
            f"DATABASE_URL leads to no database ({reason}): correct it, or unset it "
            "to use the embedded PostgreSQL"
        ) from error


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command, pass on to it what this process is told, and return its exit code."""
    try:
        child = subprocess.Popen(command, env=environment)
    except OSError as error:
        raise StepError(f"cannot run {command[0]}: {error.strerror}") from error

    def pass_on(number: int, _: object) -> None:
        # What is typed at a terminal is told to all of its foreground: once is enough.
        if number != signal.SIGINT or not _in_foreground():
            child.send_signal(number)

    before = {one: signal.signal(one, pass_on) for one in SIGNALS}
    code = child.wait()
    for one, handler in before.items():
        signal.signal(one, handler)
    return code if code >= 0 else SIGNALLED - code


def _in_foreground() -> bool:
    try:
        with Path("/dev/tty").open("rb") as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:  # there is no terminal
        return False


def main() -> int:
    command = sys.argv[1:]
    if not command:
        fail("say which command: python -m tools.database COMMAND...")
        return 2
    try:
        with development_database(share=True) as url:
            return _run(command, {**os.environ, "DATABASE_URL": url})
    except StepError as error:
        fail(error)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
