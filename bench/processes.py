"""The processes of a run: servers under measurement, the load beside each, and PostgreSQL."""

import asyncio
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from bench.accounting import cpu_seconds

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
START_LIMIT_SECONDS = 60.0
UVICORN = [
    str(BIN / "uvicorn"), "--loop", "uvloop", "--http", "httptools",
    "--no-access-log", "--log-level", "warning",
]  # fmt: skip


class BrokenRunError(Exception):
    """A process of the run did not do its part: there is nothing to measure."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def told(process: subprocess.Popen[str], order: dict[str, Any]) -> dict[str, Any] | None:
    """Its answer to one order, a line of JSON each way; None when it has ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    answer: dict[str, Any] | None = json.loads(line) if line else None
    return answer


class Server:
    """One server process with a load generator of its own."""

    def __init__(
        self, name: str, command: list[str], env: dict[str, str], *, ready: str, logs: Path
    ) -> None:
        self.name = name
        self.port = free_port()
        self._log = logs / f"{name}.log"
        self._load: subprocess.Popen[str] | None = None
        started = time.perf_counter()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--port", str(self.port)],
                cwd=ROOT, env=os.environ | env, stdout=log, stderr=log,
            )  # fmt: skip
        self.pid = self._process.pid
        while not self._answers(ready):
            if self._process.poll() is not None or time.perf_counter() > (
                started + START_LIMIT_SECONDS
            ):
                self.stop()
                tail = self._log.read_text(errors="replace")[-2000:]
                raise BrokenRunError(f"{name} does not start:\n{tail}")
            time.sleep(0.01)
        self.start_seconds = time.perf_counter() - started
        self.start_cpu = cpu_seconds(self.pid)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def order(self, groups: dict[str, Any], seconds: float | None = None) -> dict[str, Any]:
        """Give the load one order and wait for its account of it."""
        if self._load is None:
            self._load = subprocess.Popen(
                [sys.executable, "-m", "bench.client", str(self.port)],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        answer = told(self._load, {"groups": groups, "seconds": seconds})
        if answer is None:
            raise BrokenRunError(f"the load on {self.name} ended; the log is {self._log}")
        return answer

    def stop(self) -> None:
        for process in (self._load, self._process):
            if process is None or process.poll() is not None:
                continue
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _answers(self, path: str) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


class Postgres:
    """The database server of a run, seen from its machine: its processes and its connections."""

    def __init__(self, server_url: str) -> None:
        parts = urlsplit(server_url.replace("+asyncpg", ""))
        self._server_url = urlunsplit(parts)
        self.database = f"bench_{os.getpid()}"
        self.url = urlunsplit(parts._replace(path=f"/{self.database}"))
        self._execute(f"CREATE DATABASE {self.database}")
        self.version = str(self._value("SHOW server_version"))
        self.fsync = str(self._value("SHOW fsync"))
        self.postmaster = int(str(self._value("SELECT pg_backend_pid()", parent=True)))

    def drop(self) -> None:
        self._execute(f"DROP DATABASE {self.database} WITH (FORCE)")

    def connections(self) -> dict[str, int]:
        """How many connections the run's database has, and how many are inside a transaction."""
        like = f"FROM pg_stat_activity WHERE datname = '{self.database}'"
        busy = f"SELECT count(*) {like} AND state LIKE 'idle in%'"
        return {
            "open": int(str(self._value(f"SELECT count(*) {like}"))),
            "in transaction": int(str(self._value(busy))),
        }

    @contextmanager
    def closed_to(self, application: str) -> Iterator[None]:
        """End its connections and open none, for nobody; whoever else has one keeps it."""
        those = (
            f"FROM pg_stat_activity WHERE datname = '{self.database}'"
            f" AND application_name = '{application}'"
        )
        door = f"ALTER DATABASE {self.database} ALLOW_CONNECTIONS"
        self._execute(f"{door} false")
        try:
            self._execute(f"SELECT count(pg_terminate_backend(pid, 5000)) {those}")
            yield
        finally:
            self._execute(f"{door} true")

    def _execute(self, statement: str) -> None:
        self._value(statement)

    def _value(self, statement: str, *, parent: bool = False) -> object:
        async def ask() -> object:
            connection = await asyncpg.connect(self._server_url)
            try:
                value = await connection.fetchval(statement)
                return parent_of(value) if parent else value
            finally:
                await connection.close()

        return asyncio.run(ask())


def parent_of(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError as error:
        raise BrokenRunError("PostgreSQL must run on this machine to be measured") from error
    return int(stat.rpartition(")")[2].split()[1])
