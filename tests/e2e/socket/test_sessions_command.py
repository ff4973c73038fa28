"""`app sessions revoke`: what an operator ends after a restored backup."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from app.shared.infrastructure.statements import Statements
from tests.e2e.socket.conftest import RunCommand, StartServer
from tests.e2e.visitor import Pair, Visitor, refused


async def test_every_session_from_before_a_moment_ends_and_those_after_it_stay(
    start_server: StartServer, run_command: RunCommand, statements: Statements
) -> None:
    visitor = Visitor((await start_server(AUTH_STRICT_REVOCATION="true")).client())
    old = [await visitor.newcomer(f"{name}@example.com") for name in ("ada", "bob")]
    await statements.rows("update auth.session set created_at = created_at - interval '2 hours'")
    young = Pair.of(await visitor.log_in("ada@example.com"))

    ended = await run_command("sessions", "revoke", "--before", "1h", "--yes", "--json")

    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["ended"] == 2
    assert datetime.fromisoformat(told["before"]) < datetime.now(UTC)
    for pair in old:
        refused(await visitor.account(pair.access_token), 401, "session_revoked")
        refused(await visitor.refresh(pair.refresh_token), 401, "session_revoked")
    assert (await visitor.account(young.access_token)).status_code == 200
    assert (await visitor.refresh(young.refresh_token)).status_code == 200


async def test_it_ends_what_runs_and_repeated_it_ends_nothing_more(
    start_server: StartServer, run_command: RunCommand
) -> None:
    visitor = Visitor((await start_server()).client())
    pair = await visitor.newcomer()

    ended = await run_command("sessions", "revoke", "--before", "0s", "--yes")

    assert ended.stdout.splitlines()[-1].startswith("ended 1 sessions that began before ")
    refused(await visitor.refresh(pair.refresh_token), 401, "session_revoked")
    again = await run_command("sessions", "revoke", "--before", "0s", "--yes")
    assert again.stdout.splitlines()[-1].startswith("ended 0 sessions")


async def test_it_wants_to_be_sure_and_to_know_the_moment(
    run_command: RunCommand, statements: Statements
) -> None:
    unsure = await run_command("sessions", "revoke", "--before", "0s")
    unclear = await run_command("sessions", "revoke", "--before", "yesterday", "--yes")

    assert [unsure.returncode, unclear.returncode] == [1, 1]
    assert "--yes" in unsure.stderr
    assert "yesterday" in unclear.stderr
    assert await statements.value("select count(*) from auth.revocation") == 0
