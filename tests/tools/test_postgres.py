"""The embedded PostgreSQL: what survives, what does not, and what is left alone."""

import fcntl
import importlib.util
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest

from tools.cluster import Cluster, PostgresError
from tools.postgres import ROOT, SPEED_OVER_SAFETY, EmbeddedPostgres

OWNER = """
import pathlib, signal, sys
from tools.postgres import EmbeddedPostgres
print(EmbeddedPostgres(pathlib.Path(sys.argv[1])).start(), flush=True)
signal.pause()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "data", settings=SPEED_OVER_SAFETY)
    yield server
    server.stop()
    shutil.rmtree(cluster_of(server).home)


def cluster_of(server: EmbeddedPostgres) -> Cluster:
    return server._cluster()


async def query(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


def accepts(url: str) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port_of(url))) == 0


async def test_data_survive_a_restart(server: EmbeddedPostgres) -> None:
    await query(server.start(), "CREATE TABLE kept AS SELECT 42 AS answer")

    server.stop()
    answer = await query(server.start(), "SELECT answer FROM kept")

    assert answer == 42


def test_a_restart_keeps_the_address(server: EmbeddedPostgres) -> None:
    first = server.start()
    server.stop()

    assert server.start() == first


def test_stopping_leaves_nothing_that_listens(server: EmbeddedPostgres) -> None:
    url = server.start()

    server.stop()

    assert not accepts(url)


async def test_text_is_utf8_in_every_locale(server: EmbeddedPostgres) -> None:
    assert await query(server.start(), "SELECT upper('straße, école')") == "STRAßE, ÉCOLE"


async def test_a_wrong_password_is_refused(server: EmbeddedPostgres) -> None:
    url = server.start()

    with pytest.raises(asyncpg.InvalidPasswordError):
        await query(url.replace("@", "x@"), "SELECT 1")


def test_a_server_ends_with_its_killed_owner(server: EmbeddedPostgres) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(server.data_dir)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    url = next(iter(owner.stdout or ())).strip()
    assert accepts(url)

    owner.kill()
    owner.communicate()
    with (cluster_of(server).home / "keeper.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # held until the keeper is done

    assert not accepts(url)


async def test_a_server_that_outlived_everybody_does_not_stop_the_next(
    server: EmbeddedPostgres,
) -> None:
    url = server.start()
    assert server._keeper is not None
    os.kill(server._keeper.pid, signal.SIGKILL)
    server._keeper.communicate()
    server._keeper = None
    assert accepts(url)

    server.stop()

    assert await query(server.start(), "SELECT 1") == 1


def test_a_stop_without_a_keeper_still_stops_the_server(server: EmbeddedPostgres) -> None:
    url = server.start()
    assert server._keeper is not None
    os.kill(server._keeper.pid, signal.SIGKILL)

    server.stop()

    assert not accepts(url)


def test_a_second_owner_of_the_same_data_is_refused(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.start()
    monkeypatch.setattr("tools.cluster.OWNER_GONE_WITHIN", 0.0)

    with pytest.raises(PostgresError, match="in use by another run"):
        EmbeddedPostgres(server.data_dir).start()


def test_an_owner_that_is_on_its_way_out_is_waited_for(server: EmbeddedPostgres) -> None:
    server.start()
    with ThreadPoolExecutor() as pool:
        successor = EmbeddedPostgres(server.data_dir)
        started = pool.submit(successor.start)

        server.stop()

    assert accepts(started.result())
    successor.stop()


def test_a_running_server_can_be_found_and_a_stopped_one_cannot(server: EmbeddedPostgres) -> None:
    before = server.running_url()
    url = server.start()

    assert before is None
    assert EmbeddedPostgres(server.data_dir).running_url() == url


def test_a_port_that_was_taken_meanwhile_is_replaced(server: EmbeddedPostgres) -> None:
    first = server.start()
    server.stop()
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", port_of(first)))
        squatter.listen()

        second = server.start()

    assert port_of(second) != port_of(first)


def test_a_stranger_with_the_noted_process_number_is_left_alone(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    note = cluster_of(server).data / "postmaster.pid"
    note.write_text(f"{stranger.pid}\n{note.parent}\n0\n1\n\n\n\nready\n", "utf-8")

    server.start()

    assert stranger.poll() is None
    stranger.communicate(b"\n")
    assert stranger.returncode == 0


async def test_an_interrupted_first_start_repairs_itself(server: EmbeddedPostgres) -> None:
    draft = cluster_of(server).home / "data.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n", "ascii")

    assert await query(server.start(), "SELECT 1") == 1


def test_no_permission_above_the_data_changes_and_root_runs_nothing(
    server: EmbeddedPostgres,
) -> None:
    server.data_dir.mkdir(mode=0o700)
    places = (server.data_dir, *server.data_dir.parents)
    before = [(place.stat().st_mode, place.stat().st_uid) for place in places]

    server.start()

    assert [(place.stat().st_mode, place.stat().st_uid) for place in places] == before
    data = cluster_of(server).data.stat()
    assert data.st_uid != 0
    assert stat.S_IMODE(data.st_mode) == 0o700
    assert stat.S_IMODE((cluster_of(server).home / "password").stat().st_mode) == 0o600


def test_a_test_server_takes_its_folder_along() -> None:
    server = EmbeddedPostgres.for_tests()
    server.start()

    server.stop()

    assert not server.data_dir.exists()


def test_without_a_wheel_one_line_names_the_setting(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda _: None)

        with pytest.raises(PostgresError, match=r"^no PostgreSQL .* set DATABASE_URL .*$"):
            server.start()
