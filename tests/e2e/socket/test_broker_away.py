"""A process whose broker is away: it starts, serves and delivers what needs no broker."""

from __future__ import annotations

from app.shared.infrastructure.statements import Statements
from tests.e2e.socket.conftest import StartServer
from tests.e2e.socket.server import eventually, free_port
from tests.e2e.visitor import Visitor

SECRET = "Zq9-must-not-be-shown"
OWED = "SELECT subscriber, dead_at FROM messaging.delivery"


async def test_a_process_serves_while_its_broker_is_away_and_shows_no_credentials(
    start_server: StartServer, statements: Statements
) -> None:
    server = await start_server(
        BROKER_URL=f"nats://app:{SECRET}@127.0.0.1:{free_port()}",
        BROKER_RELAYS="auth.account_registered,auth.nope",
        BROKER_CONSUMES="shop.order_paid",
        BROKER_CONSUMER="shop",
        BROKER_TIMEOUT="0.2",
    )
    visitor = Visitor(server.client())

    pair = await visitor.newcomer()

    async def has_a_profile() -> bool:
        return (await visitor.me(pair.access_token)).status_code == 200

    async def relay_has_failed() -> bool:
        return "delivery failed" in server.log()

    await eventually(has_a_profile)
    await eventually(relay_has_failed)
    ready = await server.client().get("/health/ready")
    await server.end()
    [owed] = await statements.rows(OWED)

    assert ready.status_code == 200
    assert (owed["subscriber"], owed["dead_at"]) == ("broker.relay", None)
    assert "the broker is out of reach" in server.log()
    [doubt] = [line for line in server.log().splitlines() if "BROKER_RELAYS" in line]
    assert "auth.nope" in doubt
    assert "auth.account_registered" not in doubt
    assert SECRET not in server.log()
