"""The whole API against its own description, as nobody, as somebody and as an administrator.

`SCHEMATHESIS_EXAMPLES` is how many requests each phase may make up for an operation.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.shared.infrastructure.statements import Statements
from tests.e2e.socket.conftest import StartServer
from tests.e2e.socket.server import Server
from tests.e2e.visitor import Pair, Visitor

EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "5")
SEED = os.environ.get("SCHEMATHESIS_SEED", "20260101")
HERE = Path(__file__).parent
ST = str(Path(sys.executable).with_name("st"))
PASSWORD = "correct horse battery staple"
"""The example of the description, so that what asks for the current password gets it."""
ACCOUNTS = max(40, 4 * int(EXAMPLES))
"""More than the requests of a run disable, delete or give another password."""

CONFIG = f"""
hooks = "{HERE / "schemathesis_hooks.py"}"
seed = {SEED}

[checks.positive_data_acceptance]
# Beside what no schema can promise (whose it is, whether it is there, how often it was asked): a
# rule of the domain, such as that a password must not be a common one, and a version gone stale.
expected-statuses = ["2xx", "401", "403", "404", "409", "412", "422", "429"]

[checks.negative_data_rejection]
# Too long is wrong as well.
expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "414", "415", "422", "428",
                     "429", "431"]

[checks.missing_required_header]
expected-statuses = ["401", "403", "428"]
"""

NOTHING_IS_OUT_OF_REACH = """
[warnings]
fail-on = ["missing_auth"]
"""


@pytest.fixture
async def server(start_server: StartServer) -> Server:
    return await start_server(APP_TRUSTED_PROXY_HOPS="1", EVENTS_POLL="0.2")


async def accounts_at(server: Server) -> list[str]:
    client = server.client()
    visitor = Visitor(client)
    addresses = [f"somebody{number}@example.com" for number in range(ACCOUNTS)]
    for number, address in enumerate(addresses):
        client.headers["X-Forwarded-For"] = f"198.51.{number // 250}.{number % 250}"
        await visitor.register(address, PASSWORD)
        pair = Pair.of(await visitor.log_in(address, PASSWORD))
        assert (await visitor.me(pair.access_token)).status_code == 200
    return addresses


async def run(server: Server, folder: Path, addresses: list[str], more: str = "") -> None:
    """Every phase and every check; the report of what failed is the test's."""
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG + more)
    ended = await asyncio.to_thread(
        subprocess.run,
        [
            *(ST, "--no-color", "--config-file", str(config), "run"),
            *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"),
            *("--max-examples", EXAMPLES, "--continue-on-failure", "--generation-database", "none"),
            *("--request-timeout", "60"),
            f"{server.url}/openapi.json",
        ],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "SERVER_URL": server.url,
            "ADDRESSES": ",".join(addresses),
            "PASSWORD": PASSWORD,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=3_600,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


async def test_nobody_finds_an_answer_that_is_not_described(server: Server, tmp_path: Path) -> None:
    await run(server, tmp_path, [])


async def test_somebody_finds_no_answer_that_is_not_described(
    server: Server, tmp_path: Path
) -> None:
    await run(server, tmp_path, await accounts_at(server))


async def test_an_administrator_finds_no_answer_that_is_not_described(
    server: Server, tmp_path: Path, statements: Statements
) -> None:
    addresses = await accounts_at(server)
    await statements.rows("update auth.account set roles = '{user,admin}'")

    await run(server, tmp_path, addresses, NOTHING_IS_OUT_OF_REACH)
