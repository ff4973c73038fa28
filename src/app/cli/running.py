"""`app serve | worker | migrate`: the processes of the product."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvicorn
from fastapi import FastAPI

from app.cli.console import (
    NewLoop,
    check_database,
    configure_process_logs,
    load_process,
    run,
)
from app.cli.guarded_protocol import GuardedHttpProtocol
from app.cli.probes import answering, listener
from app.container import subscribe
from app.main import create_app
from app.modules.auth.infrastructure.effective_cores import effective_cores
from app.settings import Settings
from app.shared.infrastructure.migrating import migrate as migrate_database
from app.shared.process import Process
from app.shared.web import probes_app

_STOPPING = (signal.SIGINT, signal.SIGTERM)

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
    dispatch: Annotated[
        bool | None,
        typer.Option(
            "--dispatch/--no-dispatch", help="Deliver events as well; EVENTS_DISPATCH if not given."
        ),
    ] = None,
) -> None:
    """Serve HTTP and deliver events."""
    # By the environment, which reaches the processes of --workers and --reload as well.
    if dispatch is not None:
        os.environ["EVENTS_DISPATCH"] = str(dispatch)
    if workers > 1:
        share = effective_cores(workers=workers)
        os.environ.setdefault("AUTH_PASSWORD_THREADS", str(share))
    application = asgi()
    run(check_database(Settings.load(), processes=workers))
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
        # X-Forwarded-For is read by the boundary, as far as it is trusted.
        proxy_headers=False,
        http=GuardedHttpProtocol,
        timeout_graceful_shutdown=10,
    )


def worker(
    concurrency: Annotated[
        int | None,
        typer.Option(help="Deliveries at once; EVENTS_CONCURRENCY if not given.", min=1),
    ] = None,
    health_port: Annotated[
        int | None,
        typer.Option(help="Answer /health and /metrics on this port.", min=1, max=65535),
    ] = None,
    health_host: Annotated[str, typer.Option(help="Address for --health-port.")] = "127.0.0.1",
) -> None:
    """Deliver events without serving HTTP."""
    if concurrency is not None:
        os.environ["EVENTS_CONCURRENCY"] = str(concurrency)
    process = load_process(processes=1)
    at = None if health_port is None else listener(health_host, health_port)
    run(_work(process, at), loop_factory=fastest_loop())


def migrate() -> None:
    """Bring the database to the newest schema."""
    settings = Settings.load()
    configure_process_logs(settings)
    run(check_database(settings, migrated=False))
    migrate_database(settings.database.url.get_secret_value())
    run(subscribe(settings))


async def _work(process: Process, health: socket.socket | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        stopped.set()
        for number in _STOPPING:
            # Whoever asks a second time means at once; what is cut short is due again by its lease.
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in _STOPPING:
        loop.add_signal_handler(number, stop)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(process.running())
        if health is not None:
            app = probes_app(process, process.kernel.deployment())
            await stack.enter_async_context(answering(app, health))
        _log.info(
            "worker delivers events",
            subscribers=sorted(process.bus.subscribers),
            concurrency=process.kernel.events().concurrency,
            health=None if health is None else "http://{}:{}/health".format(*health.getsockname()),
            loop=type(loop).__module__,
        )
        await stopped.wait()
        _log.info("worker ends")


def fastest_loop() -> NewLoop | None:
    """uvloop where it is installed, as uvicorn has it for a server."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
