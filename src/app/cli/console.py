"""What all commands share: one-line failures, the composed process, a look at the database."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

import asyncpg
import typer

from app.container import compose
from app.database import asyncpg_url
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
    style = settings.log_format or ("console" if settings.is_development else "json")
    configure_logs(level="debug" if settings.debug else settings.log_level, style=style)


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
    url = asyncpg_url(settings.database.url.get_secret_value()).set(drivername="postgresql")
    try:
        connection = await asyncpg.connect(
            url.render_as_string(hide_password=False),
            timeout=settings.database.connect_timeout.total_seconds(),
        )
    except Exception as error:
        if not (is_outage(error) or isinstance(error, asyncpg.PostgresError)):
            raise
        fail(f"DATABASE_URL: cannot connect ({type(error).__name__}); is PostgreSQL up?")
    try:
        if migrated and not await connection.fetchval("select to_regclass('messaging.delivery')"):
            fail("the database has no schema yet: run `app migrate`")
    finally:
        await connection.close()
