"""The product's own processes, started as an operator starts them and ended by SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

import httpx

from tests.e2e.socket.nursery import KEPT, PRODUCT, Fork, fork, started

START_LIMIT = 120.0
STOP_LIMIT = 60.0
PAUSE = 0.02
IDLE = 2.0
"""Seconds until a client gives up a connection that it does not use, before a server does: else
it would send on one that is being closed."""

PATIENT = {
    "APP_REQUEST_TIMEOUT": "28",
    "AUTH_PASSWORD_THREADS": "256",
    "DATABASE_POOL_TIMEOUT": "25",
    "DATABASE_CONNECT_TIMEOUT": "25",
}
"""A slow machine must not turn a crowd into an outage; nobody queues for a hash."""


def limits(idle: float) -> httpx.Limits:
    """Those that httpx has by itself, but for the time: without a number it opens thousands."""
    return httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=idle)


@dataclass
class Running:
    """A command of ours, with everything that it says."""

    process: Fork | subprocess.Popen[bytes]
    log_file: Path

    @classmethod
    def start(
        cls,
        arguments: list[str],
        env: Mapping[str, str],
        log_file: Path,
        *,
        module: str = PRODUCT,
    ) -> Self:
        """A process that starts others of its kind has to be one that was not forked itself."""
        starts_others = {"--workers", "--reload"} & {*arguments}
        start = partial(started if starts_others else fork, module=module)
        with Path(os.devnull).open() as nothing, log_file.open("ab") as log:
            streams = (nothing.fileno(), log.fileno(), log.fileno())
            return cls(start(arguments, env, log_file.parent, streams=streams), log_file)

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    async def ended(self) -> int:
        """The exit code, once there is one."""
        await eventually(self._has_ended, within=STOP_LIMIT)
        return self.process.wait()

    async def end(self) -> None:
        """SIGTERM, and then the log is complete."""
        self.process.send_signal(signal.SIGTERM)
        code = await self.ended()
        # After an orderly shutdown uvicorn ends by the signal that it was asked with.
        assert code in (0, -signal.SIGTERM), self.log()

    async def stop(self) -> None:
        """SIGTERM; a traceback of whatever kind fails the test."""
        await self.end()
        assert "Traceback" not in self.log(), self.log()
        assert '"exception"' not in self.log(), self.log()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    async def _has_ended(self) -> bool:
        return self.process.poll() is not None


@dataclass
class Server(Running):
    """`app serve` on a port of its own."""

    url: str = ""
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    async def ready(self) -> None:
        async with httpx.AsyncClient(base_url=self.url) as client:
            await eventually(lambda: self._answers(client), within=START_LIMIT)

    def client(self, **options: float) -> httpx.AsyncClient:
        timeout, idle = options.get("timeout", 60), options.get("idle", IDLE)
        client = httpx.AsyncClient(base_url=self.url, timeout=timeout, limits=limits(idle))
        self.clients.append(client)
        return client

    async def end(self) -> None:
        await self.close_clients()
        await super().end()
        assert "Finished server process" in self.log()

    async def close_clients(self) -> None:
        for client in self.clients:
            await client.aclose()

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        assert self.process.poll() is None, self.log()
        try:
            return (await client.get("/health/ready")).status_code == 200
        except httpx.TransportError:
            return False


async def eventually(is_so: Callable[[], Awaitable[bool]], *, within: float = 60.0) -> None:
    """Ask until it is so; raises `TimeoutError` after `within` seconds."""
    async with asyncio.timeout(within):
        while not await is_so():  # noqa: ASYNC110  # another process does not set our events
            await asyncio.sleep(PAUSE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(database_url: str, folder: Path, **settings: str) -> dict[str, str]:
    """What a process of ours is told, and not whatever this process was told; "" is nothing."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    settings = {
        "DATABASE_URL": database_url,
        "AUTH_KEYS_DIR": str(folder / "keys"),
        "AUTH_PASSWORD_MEMORY_KIB": "8",
        "AUTH_PASSWORD_TIME_COST": "1",
        "APP_DATA_DIR": str(folder),
        "APP_LOG_FORMAT": "json",
        "APP_LOG_LEVEL": "debug",
        **PATIENT,
        **settings,
    }
    return kept | {name: value for name, value in settings.items() if value}
