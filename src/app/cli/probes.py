"""A worker's own small server, for whoever asks about its health."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from app.cli.console import fail
from app.cli.guarded_protocol import GuardedHttpProtocol


class _SubordinateServer(uvicorn.Server):
    """Leaves the signals to the command that it is a part of."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listener(host: str, port: int) -> socket.socket:
    """Bound before anything else starts, so that a taken port is one line and no half a process."""
    try:
        return socket.create_server((host, port))
    except socket.gaierror as error:
        fail(f"--health-host: {host} is no address here ({error.strerror})")
    except OSError as error:
        # What the error itself says names the address as well, in Python's words.
        reason = os.strerror(error.errno or 0)
        fail(f"--health-port: cannot listen on {host}:{port} ({reason})")


@asynccontextmanager
async def answering(app: FastAPI, at: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=GuardedHttpProtocol,
        timeout_graceful_shutdown=1,
    )
    server = _SubordinateServer(config)
    serving = asyncio.create_task(server.serve([at]), name="probes")
    try:
        yield
    finally:
        server.should_exit = True
        await serving
