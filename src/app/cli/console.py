"""What all commands share: one-line failures, the composed process, a look at the database."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

import asyncpg
import typer

from app.container import compose
from app.database import asyncpg_dsn
from app.settings import Settings
from app.shared.infrastructure.logs import configure_logs
from app.shared.infrastructure.outages import is_outage
from app.shared.process import Process

_T = TypeVar("_T")


def fail(*lines: str) -> NoReturn:
    """End the command with what the operator should do."""
    for line in lines:
        typer.echo(f"app: {line}", err=True)
    sys.exit(1)


def run(work: Coroutine[Any, Any, _T]) -> _T:
    return asyncio.run(work)


def configure_process_logs(settings: Settings) -> None:
    configure_logs(level=settings.least_logged, style=settings.log_style)


def load_process() -> Process:
    """The composed process, on a database that answers and is migrated."""
    settings = Settings.load()
    configure_process_logs(settings)
    process = compose(settings)
    run(check_database(settings))
    return process


async def within(process: Process, work: Coroutine[Any, Any, _T]) -> _T:
    """Do one thing with the process running, but without deliveries."""
    async with process.running(dispatching=False):
        return await work


async def check_database(settings: Settings, *, migrated: bool = True) -> None:
    """Say in one line what a stack of tracebacks would say later."""
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
        if migrated and not await connection.fetchval("select to_regclass('messaging.delivery')"):
            fail("the database has no schema yet: run `app migrate`")
    finally:
        await connection.close()
