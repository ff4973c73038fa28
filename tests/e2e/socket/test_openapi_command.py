"""`app openapi` prints what a server of the same settings would show."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.socket.conftest import RunCommand, StartServer
from tests.e2e.socket.server import free_port
from tests.e2e.visitor import PUBLIC_URL

NOBODY = f"postgresql://app:app@127.0.0.1:{free_port()}/nothing"


async def test_the_printed_description_is_the_one_that_is_served(
    start_server: StartServer, run_command: RunCommand, keys_dir: Path
) -> None:
    staging = {
        "APP_ENVIRONMENT": "staging",
        "APP_PUBLIC_URL": PUBLIC_URL,
        "AUTH_KEYS_DIR": str(keys_dir),
    }
    server = await start_server(**staging)
    host = {"Host": "bulkhead.example"}

    served = await server.client().get("/openapi.json", headers=host)
    printed = await run_command("openapi", DATABASE_URL=NOBODY, **staging)

    assert served.status_code == 200, served.text
    assert (printed.returncode, printed.stderr) == (0, "")
    assert json.loads(printed.stdout) == served.json()
