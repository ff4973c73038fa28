"""Real processes on real sockets: `app serve` and the other commands."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from tests.e2e.socket.nursery import fork
from tests.e2e.socket.server import Running, Server, environment, free_port
from tests.e2e.visitor import PUBLIC_URL, Visitor

StartServer = Callable[..., Awaitable[Server]]
StartCommand = Callable[..., Running]
RunCommand = Callable[..., Awaitable[subprocess.CompletedProcess[str]]]


@pytest.fixture
async def start_server(database: str, tmp_path: Path) -> AsyncIterator[StartServer]:
    """`await start_server("--no-dispatch", AUTH_…="…")`: one that is ready. All end orderly."""
    started: list[Server] = []

    async def start(*options: str, **settings: str) -> Server:
        port = free_port()
        env = environment(database, tmp_path, **{"APP_PUBLIC_URL": PUBLIC_URL} | settings)
        command = ["serve", "--port", str(port), *options]
        server = Server.start(command, env, tmp_path / f"server-{len(started)}.log")
        server.url = f"http://127.0.0.1:{port}"
        started.append(server)
        await server.ready()
        return server

    yield start
    try:
        for server in started:
            if server.process.poll() is None:
                await server.stop()
    finally:
        for server in started:
            await server.close_clients()
            server.kill()


@pytest.fixture
async def server(start_server: StartServer) -> Server:
    return await start_server()


@pytest.fixture
def visitor(server: Server) -> Visitor:
    return Visitor(server.client())


@pytest.fixture
async def start_command(database: str, tmp_path: Path) -> AsyncIterator[StartCommand]:
    """`start_command("worker")`: a command that runs until it is stopped."""
    started: list[Running] = []

    def start(*arguments: str, **settings: str) -> Running:
        env = environment(database, tmp_path, **settings)
        command = Running.start([*arguments], env, tmp_path / f"{arguments[0]}-{len(started)}.log")
        started.append(command)
        return command

    yield start
    for command in started:
        command.kill()


@pytest.fixture
def run_command(database: str, tmp_path: Path) -> RunCommand:
    """`await run_command("keys", "list")`: what a command said, and its exit code."""

    async def run(
        *arguments: str, stdin: str = "", **settings: str
    ) -> subprocess.CompletedProcess[str]:
        with TemporaryFile() as said, TemporaryFile() as errors, TemporaryFile() as told:
            told.write(stdin.encode())
            told.seek(0)
            process = fork(
                arguments,
                environment(database, tmp_path, **settings),
                tmp_path,
                streams=(told.fileno(), said.fileno(), errors.fileno()),
            )
            code = await asyncio.to_thread(process.wait)
            said.seek(0)
            errors.seek(0)
            shown = said.read().decode(), errors.read().decode()
        return subprocess.CompletedProcess(arguments, code, *shown)

    return run
