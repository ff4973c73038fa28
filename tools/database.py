"""The development database: the server of DATABASE_URL, or else the embedded one.

`python -m tools.database COMMAND...` runs a command with DATABASE_URL set to it.
"""

import asyncio
import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import asyncpg
from dotenv import dotenv_values

from tools.cluster import PostgresError
from tools.postgres import ROOT, EmbeddedPostgres
from tools.steps import StepError, fail, step

CONNECT_TIMEOUT = 5.0


def configured(name: str) -> str | None:
    """A setting as the application would find it: in the environment, else in .env."""
    return os.environ.get(name) or dotenv_values(ROOT / ".env").get(name) or None


def embedded() -> EmbeddedPostgres:
    return EmbeddedPostgres(ROOT / (configured("APP_DATA_DIR") or ".data") / "postgres")


@contextlib.contextmanager
def development_database(*, share: bool) -> Iterator[str]:
    """The URL of a database that answers, for as long as the block runs.

    With `share`, a server that `make up` keeps running is used as it is. Raises StepError.
    """
    url = configured("DATABASE_URL")
    if url is not None:
        with step("reach the database of DATABASE_URL"):
            _reach(url)
        yield url
        return
    server = embedded()
    try:
        running = server.running_url() if share else None
        if running is None:
            with step("start PostgreSQL"):
                running = server.start()
            if server.notice is not None:
                print(f"  ({server.notice})", flush=True)
    except PostgresError as error:
        raise StepError(str(error)) from error
    try:
        yield running
    finally:
        server.stop()


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


def main() -> int:
    try:
        with development_database(share=True) as url:
            environment = {**os.environ, "DATABASE_URL": url}
            return subprocess.run(sys.argv[1:], env=environment, check=False).returncode
    except StepError as error:
        fail(error)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
