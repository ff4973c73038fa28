"""`app serve | worker | migrate`: the processes of the product."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvicorn
from fastapi import FastAPI

from app.cli.console import check_database, configure_process_logs, load_process, run
from app.main import create_app
from app.modules.auth.infrastructure.effective_cores import effective_cores
from app.settings import Settings
from app.shared.infrastructure.migrating import migrate as migrate_database
from app.shared.process import Process

_log = structlog.get_logger("app.worker")


def asgi() -> FastAPI:
    """What every server process calls: its logs, then its application."""
    settings = Settings.load()
    configure_process_logs(settings)
    return create_app(settings)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Server processes.", min=1)] = 1,
    reload: Annotated[bool, typer.Option("--reload", help="Restart on changed code.")] = False,
) -> None:
    """Serve HTTP and deliver events."""
    if workers > 1:
        share = effective_cores(workers=workers)
        os.environ.setdefault("AUTH_PASSWORD_THREADS", str(share))
    application = asgi()
    run(check_database(Settings.load()))
    alone = workers == 1 and not reload
    uvicorn.run(
        application if alone else "app.cli.running:asgi",
        factory=not alone,
        host=host,
        port=port,
        workers=workers,
        reload=reload,
        reload_dirs=[str(Path(__file__).parents[1])] if reload else None,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )


def worker() -> None:
    """Deliver events without serving HTTP."""
    process = load_process()
    run(_work(process))


def migrate() -> None:
    """Bring the database to the newest schema."""
    settings = Settings.load()
    configure_process_logs(settings)
    run(check_database(settings, migrated=False))
    migrate_database(settings.database.url.get_secret_value())


async def _work(process: Process) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with process.running():
        _log.info("worker delivers events", subscribers=sorted(process.bus.subscribers))
        await stopped.wait()
