"""A command on the development database: what it shows, what it is told, whom it lets live."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tools.postgres import ROOT, EmbeddedPostgres

OnDatabase = Callable[[str], "subprocess.Popen[str]"]

ASKS = """
import asyncio, asyncpg, os
async def ask():
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    print(await connection.fetchval("SELECT 42"), flush=True)
    await connection.close()
"""

ASKS_WHEN_TOLD = f"""{ASKS}
import signal
told = (signal.SIGINT, signal.SIGTERM)
signal.pthread_sigmask(signal.SIG_BLOCK, told)
print("here", flush=True)
print(signal.Signals(signal.sigwait(told)).name, flush=True)
asyncio.run(ask())
raise SystemExit(7)
"""

ASKS_WHEN_ASKED = f"{ASKS}\nprint('here', flush=True)\ninput()\nasyncio.run(ask())"

COUNTS_WHAT_IT_IS_TOLD = """
import signal
told = (signal.SIGINT, signal.SIGTERM)
signal.pthread_sigmask(signal.SIG_BLOCK, told)
print("here", flush=True)
while signal.sigwait(told) == signal.SIGINT:
    print("interrupted", flush=True)
print("in all", flush=True)
"""


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    shutil.rmtree(EmbeddedPostgres(tmp_path / "postgres")._cluster().home)


def command(program: str) -> list[str]:
    return [sys.executable, "-m", "tools.database", sys.executable, "-c", program]


def environment(data: Path) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": "", "APP_DATA_DIR": str(data)}


@pytest.fixture
def on_database(data: Path) -> Iterator[OnDatabase]:
    """Starts a program beside others; whatever a failed test leaves behind is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command(program),
            cwd=ROOT,
            env=environment(data),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def first_line(process: subprocess.Popen[str]) -> str:
    return next(iter(process.stdout or ()), "").strip()


def test_standard_output_is_the_commands_alone(on_database: OnDatabase) -> None:
    process = on_database("import json; print(json.dumps([1, 2]))")

    said, progress = process.communicate()

    assert json.loads(said) == [1, 2]
    assert "start PostgreSQL" in progress


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_the_command_which_ends_before_its_database(
    how: signal.Signals, on_database: OnDatabase
) -> None:
    process = on_database(ASKS_WHEN_TOLD)
    assert first_line(process) == "here"

    process.send_signal(how)
    said, _ = process.communicate(timeout=60)

    assert said.split() == [how.name, "42"]
    assert process.returncode == 7


def test_commands_of_one_moment_share_a_server(on_database: OnDatabase) -> None:
    processes = [on_database(ASKS_WHEN_ASKED) for _ in range(3)]
    assert [first_line(process) for process in processes] == ["here"] * 3

    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()

    assert [process.communicate()[0] for process in processes] == ["42\n"] * 3


def test_whoever_started_the_server_waits_for_those_who_share_it(on_database: OnDatabase) -> None:
    starter = on_database(ASKS_WHEN_ASKED)
    assert first_line(starter) == "here"
    sharer = on_database(ASKS_WHEN_ASKED)
    assert first_line(sharer) == "here"
    assert starter.stdin

    starter.stdin.write("\n")
    starter.stdin.flush()
    assert first_line(starter) == "42"
    with pytest.raises(subprocess.TimeoutExpired):
        starter.wait(timeout=2)
    said, _ = sharer.communicate("\n")

    assert said == "42\n"
    starter.communicate()
    assert starter.returncode == 0


def test_what_is_typed_at_a_terminal_is_told_once(data: Path) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        os.execve(sys.executable, command(COUNTS_WHAT_IT_IS_TOLD), environment(data))  # noqa: S606  # no shell

    with os.fdopen(terminal, "r+b", buffering=0) as shown:
        _read_until(shown.fileno(), b"here")
        shown.write(b"\x03")
        first = _read_until(shown.fileno(), b"interrupted")
        os.kill(child, signal.SIGTERM)
        later = _read_until(shown.fileno(), b"in all")
        # A terminal that goes away would end it before its database.
        os.waitpid(child, 0)

    assert (first + later).count(b"interrupted") == 1


def _read_until(terminal: int, words: bytes) -> bytes:
    shown = b""
    while words not in shown:
        shown += os.read(terminal, 4096)
    return shown


def test_a_command_that_is_not_there_is_one_line(data: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tools.database", "no-such-command"],
        cwd=ROOT,
        env=environment(data),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 1
    last = ran.stderr.splitlines()[-1]
    assert last == "bulkhead: cannot run no-such-command: No such file or directory"
