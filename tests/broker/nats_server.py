"""A NATS server of a test's own, with files that outlive its death."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg

from tests.e2e.socket.server import eventually, free_port

STREAM = "events"
START_LIMIT = 60.0


def program() -> str:
    """Where nats-server is; Debian puts it where only administrators look."""
    found = shutil.which("nats-server", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if found is None:
        missing = "needs nats-server: apt-get install nats-server"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


class NatsServer:
    """Can be killed, and started again on the same port and files."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self._log = folder / "nats.log"
        self._command = [program(), "-a", "127.0.0.1", "-p", str(self.port), "-js"]
        self._command += ["-sd", str(folder / "jetstream")]
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self._run()
        await eventually(self._answers, within=START_LIMIT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def restart(self, *options: str) -> None:
        """Killed, and started with these options more."""
        self.kill()
        self._options = options
        await self.start()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[JetStreamContext]:
        """A look at it past the product."""
        client: Client = await nats.connect(self.url, allow_reconnect=False)
        try:
            yield client.jetstream()
        finally:
            await client.close()

    async def stored(self) -> list[RawStreamMsg]:
        """Every message of the stream, in its order."""
        async with self.client() as jetstream:
            last = (await jetstream.stream_info(STREAM)).state.last_seq
            return [await jetstream.get_msg(STREAM, nth) for nth in range(1, last + 1)]

    def _run(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, *self._options], stdout=log, stderr=log
            )

    async def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text("utf-8")
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        greeting = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return greeting.startswith(b"INFO")


StartNats = Callable[..., Awaitable[NatsServer]]
