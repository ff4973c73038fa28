"""The other commands: worker, keys, accounts."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from contextlib import suppress

import httpx

from app.shared.infrastructure.statements import Statements
from tests.e2e.socket.conftest import RunCommand, StartCommand, StartServer
from tests.e2e.socket.server import eventually, free_port
from tests.e2e.visitor import Pair, Visitor, refused

ADMIN = "root@example.com"
ADMIN_PASSWORD = "nine calm herons march"
PAID = 'app_events_deliveries_total{outcome="paid",subscriber="users.create_profile"} 1.0'


async def test_a_worker_delivers_what_a_server_left(
    start_server: StartServer, start_command: StartCommand, statements: Statements
) -> None:
    server = await start_server(EVENTS_DISPATCH="false")
    visitor = Visitor(server.client())
    pair = await visitor.newcomer()
    refused(await visitor.me_at_once(pair.access_token), 503, "profile_pending")

    worker = start_command("worker")

    async def has_a_profile() -> bool:
        return (await visitor.me(pair.access_token)).status_code == 200

    async def owes_nothing() -> bool:
        return bool(await statements.value("select count(*) from messaging.delivery") == 0)

    await eventually(has_a_profile)
    await eventually(owes_nothing)
    worker.process.send_signal(signal.SIGTERM)
    assert await worker.ended() == 0
    assert '"exception"' not in worker.log()


async def test_a_rotation_of_the_keys_logs_nobody_out(
    start_server: StartServer, run_command: RunCommand
) -> None:
    first_run = await start_server()
    pair = await Visitor(first_run.client()).newcomer()

    rotated = await run_command("keys", "rotate")

    assert rotated.returncode == 0, rotated.stderr
    added = [line.removeprefix("added ") for line in rotated.stdout.splitlines()]
    assert [name.rpartition(".")[2] for name in added] == ["pem", "secret"]
    await first_run.stop()
    visitor = Visitor((await start_server()).client())
    assert (await visitor.account(pair.access_token)).status_code == 200
    assert (await visitor.rotated(pair.refresh_token)).generation == 2
    published = (await visitor.client.get("/.well-known/jwks.json")).json()["keys"]
    assert added[0].removesuffix(".pem") in {key["kid"] for key in published}


async def test_keys_are_listed_without_their_content(run_command: RunCommand) -> None:
    await run_command("keys", "rotate")
    await run_command("keys", "rotate", "--kind", "signing")

    table, listed = await asyncio.gather(
        run_command("keys", "list"), run_command("keys", "list", "--json")
    )

    keys = json.loads(listed.stdout)
    assert sorted((key["kind"], key["mints"]) for key in keys) == [
        ("refresh", True),
        ("signing", False),
        ("signing", True),
    ]
    assert all(key.keys() == {"kid", "kind", "algorithm", "mints"} for key in keys)
    assert [row.split() for row in table.stdout.splitlines()[1:]] == [
        [key["kid"], key["kind"], key["algorithm"], "yes" if key["mints"] else "no"] for key in keys
    ]
    assert "PRIVATE" not in table.stdout + listed.stdout


async def test_an_administrator_is_made_on_the_command_line(
    start_server: StartServer, run_command: RunCommand
) -> None:
    server = await start_server(EVENTS_POLL="0.2")

    made = await run_command(
        "accounts", "create-admin", "--email", ADMIN, "--password-stdin",
        stdin=f"{ADMIN_PASSWORD}\n",
    )  # fmt: skip

    assert made.returncode == 0, made.stderr
    assert ADMIN_PASSWORD not in made.stdout + made.stderr
    visitor = Visitor(server.client())
    pair = Pair.of(await visitor.log_in(ADMIN, ADMIN_PASSWORD))
    account = (await visitor.account(pair.access_token)).json()
    assert account["roles"] == pair.claims["roles"] == ["admin", "user"]
    assert account["email_verified"] is True
    assert account["id"] in made.stdout

    async def has_a_profile() -> bool:
        return (await visitor.me(pair.access_token)).status_code == 200

    await eventually(has_a_profile)


async def test_a_bad_administrator_is_refused_in_one_line(
    run_command: RunCommand, statements: Statements
) -> None:
    command = ("accounts", "create-admin", "--password-stdin", "--email")
    await run_command(*command, ADMIN, stdin=ADMIN_PASSWORD)

    refusals = await asyncio.gather(
        run_command(*command, ADMIN, stdin=ADMIN_PASSWORD),
        run_command(*command, "other@example.com", stdin="marker-8c1f"),
        run_command(*command, "marker-8c1f", stdin=ADMIN_PASSWORD),
    )

    for refusal in refusals:
        assert refusal.returncode == 1
        [line] = refusal.stderr.splitlines()
        assert line.startswith("app: ")
        assert "marker-8c1f" not in line
    assert await statements.value("select count(*) from auth.account") == 1


async def test_migrating_again_changes_nothing(run_command: RunCommand) -> None:
    ended = await run_command("migrate")

    assert ended.returncode == 0, ended.stderr


async def test_migrating_owes_events_to_new_subscribers_before_any_process_runs(
    run_command: RunCommand, statements: Statements
) -> None:
    before = await statements.value("select count(*) from messaging.subscription")

    ended = await run_command("migrate")

    assert ended.returncode == 0, ended.stderr
    assert before == 0
    subscribed = await statements.rows("select subscriber from messaging.subscription")
    assert "users.create_profile" in {row["subscriber"] for row in subscribed}


async def test_a_worker_answers_about_its_health_where_it_is_told_to(
    start_server: StartServer, start_command: StartCommand
) -> None:
    server = await start_server(EVENTS_DISPATCH="false")
    port = free_port()
    worker = start_command("worker", "--health-port", str(port), EVENTS_POLL="0.2")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:

        async def is_ready() -> bool:
            with suppress(httpx.TransportError):
                return (await client.get("/health/ready")).status_code == 200
            return False

        await eventually(is_ready)
        visitor = Visitor(server.client())
        await visitor.newcomer()

        async def has_paid() -> bool:
            return PAID in (await client.get("/metrics")).text

        await eventually(has_paid)
        page = (await client.get("/health/events")).json()
        live = await client.get("/health/live")
        api = await client.get("/api/v1/users/me")

    assert "users.create_profile" in {one["subscriber"] for one in page["subscribers"]}
    assert (live.status_code, api.status_code) == (200, 404)
    worker.process.send_signal(signal.SIGTERM)
    assert await worker.ended() == 0
    assert '"exception"' not in worker.log()
    assert "Finished server process" in worker.log()
    assert f'"health": "http://127.0.0.1:{port}/health"' in worker.log()


async def test_a_worker_whose_health_port_is_taken_says_so_in_one_line(
    run_command: RunCommand,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        ended = await run_command("worker", "--health-port", port)

    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert line == (
        f"app: --health-port: cannot listen on 127.0.0.1:{port} (Address already in use)"
    )
