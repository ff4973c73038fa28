"""What all commands share: one-line failures, the composed process, a look at the database."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, NoReturn, TypeVar

import asyncpg
import typer

from app.cli.connections import obstacle
from app.cli.durability import weakness
from app.cli.schema import shortcoming
from app.container import RootContainer, compose
from app.database import asyncpg_dsn
from app.settings import Settings
from app.shared.infrastructure.logs import configure_logs
from app.shared.infrastructure.outages import is_outage
from app.shared.process import Process

_T = TypeVar("_T")

NewLoop = Callable[[], asyncio.AbstractEventLoop]


def fail(*lines: str) -> NoReturn:
    """End the command with what the operator should do."""
    for line in lines:
        typer.echo(f"app: {line}", err=True)
    sys.exit(1)


def run(work: Coroutine[Any, Any, _T], *, loop_factory: NewLoop | None = None) -> _T:
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(work)


def configure_process_logs(settings: Settings) -> None:
    configure_logs(level=settings.least_logged, style=settings.log_style)


def load_process(*, processes: int = 0) -> Process:
    """The composed process, on a database that answers, is migrated and has room."""
    settings = Settings.load()
    configure_process_logs(settings)
    process = compose(settings)
    run(check_database(settings, processes=processes))
    return process


async def within(process: Process, work: Coroutine[Any, Any, _T]) -> _T:
    """Do one thing with the process running, but without deliveries."""
    async with process.running(dispatching=False):
        return await work


def load_kernel() -> Any:
    """The kernel alone, on a database that answers and is migrated.

    For commands that ask or change tables: no module is built, no key read, nothing started.
    """
    settings = Settings.load()
    configure_process_logs(settings)
    run(check_database(settings))
    return RootContainer(settings=settings).kernel()


async def asking(kernel: Any, work: Coroutine[Any, Any, _T]) -> _T:
    """Do one thing with the kernel's pools, and close them."""
    async with AsyncExitStack() as stack:
        for close in (kernel.engine().dispose, kernel.statements().close, kernel.reader().close):
            stack.push_async_callback(close)
        return await work


async def check_database(settings: Settings, *, migrated: bool = True, processes: int = 0) -> None:
    """Say in one line what a stack of tracebacks would say later.

    `processes` is how many will run with all of their pools.
    """
    try:
        connection = await asyncpg.connect(
            asyncpg_dsn(settings.database.url.get_secret_value()),
            timeout=settings.database.connect_timeout.total_seconds(),
        )
    except asyncpg.PostgresError as error:
        fail(f"DATABASE_URL: PostgreSQL refuses: {error}")
    except Exception as error:
        if not is_outage(error):
            raise
        fail(f"DATABASE_URL: cannot connect ({type(error).__name__}); is PostgreSQL up?")
    try:
        if migrated and (reason := await shortcoming(connection)):
            fail(reason)
        if reason := await weakness(connection):
            fail(reason)
        of_each = settings.database.connections
        if processes and (
            reason := await obstacle(connection, processes=processes, of_each=of_each)
        ):
            fail(reason)
    finally:
        await connection.close()
