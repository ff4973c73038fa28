"""`make up`: what a developer sees of it, and what it leaves behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.postgres import ROOT

SECRET = "s3cret-of-the-database"


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_up(port: int, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tools.up", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def running(port: int, url: str, data: Path) -> Iterator["subprocess.Popen[str]"]:
    """A `make up` that has said that all of it runs."""
    up = run_up(port, DATABASE_URL=url, APP_DATA_DIR=str(data))
    said = []
    for line in up.stdout or ():
        said.append(line)
        if "Ctrl-C stops" in line:
            break
    else:
        pytest.fail("".join(said))
    yield up
    up.communicate()


def accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_of_it_with_success(
    how: signal.Signals, port: int, blank_database_url: str, tmp_path: Path
) -> None:
    with running(port, blank_database_url, tmp_path) as up:
        assert accepts(port)

        up.send_signal(how)

    assert up.returncode == 0
    assert not accepts(port)


def test_a_killed_run_leaves_no_server(port: int, blank_database_url: str, tmp_path: Path) -> None:
    with running(port, blank_database_url, tmp_path) as up:
        up.kill()  # its output ends when the last process that writes to it has ended

    assert not accepts(port)


def test_a_busy_port_is_one_line_that_offers_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]

        up = run_up(port)
        said, _ = up.communicate()

    assert up.returncode == 1
    assert len(said.splitlines()) == 1
    assert f"port {port}" in said
    assert "make up PORT=" in said


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://app:{SECRET}@127.0.0.1:1/app",
        f"postgresql+asyncpg://app:{SECRET}@nobody.invalid/app",
        f"postgresql://app:pa/{SECRET}@127.0.0.1/app",
        f"postgresql://app:{SECRET}/pa@127.0.0.1/app",
        f"postgresql://app:{SECRET}@127.0.0.1:port/app",
        f"mysql://app:{SECRET}@127.0.0.1/app",
        SECRET,
    ],
)
def test_an_unreachable_database_is_one_line_without_its_password(url: str, port: int) -> None:
    up = run_up(port, DATABASE_URL=url)
    said, _ = up.communicate()

    assert up.returncode == 1
    assert said.splitlines()[-1].startswith("bulkhead: DATABASE_URL leads to no database")
    assert SECRET not in said
    assert "Traceback" not in said
