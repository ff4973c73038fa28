"""How long a token that one process has revoked is still accepted by another."""

import http.client
import json
import random
import time
from typing import Any

from app.shared.infrastructure.listening import APPLICATION_NAME
from bench.deliverer import quantile
from bench.figures import Figures, Sample
from bench.processes import BrokenRunError, Postgres, Server
from bench.scripts import credentials, new_email

SCENARIO = "a logout at one process until another refuses"
SESSIONS = 40
"""Of one account, below the most that it may have."""
SECONDS = 5.0
"""In which they log out, at random moments: none falls into step with the polls."""
APART = {
    "EVENTS_DISPATCH": "false",
    "DATABASE_STATEMENT_POOL_SIZE": "1",
    "DATABASE_READ_POOL_SIZE": "1",
}
"""So that both have all of their connections before the door is closed to new ones."""


class Caller:
    """One connection to a server, one request after the other."""

    def __init__(self, server: Server) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

    def post(self, path: str, content: dict[str, str]) -> tuple[int, bytes]:
        headers = {"content-type": "application/json"}
        self._connection.request("POST", path, json.dumps(content), headers)
        return self._answer()

    def accepts(self, access: str) -> bool:
        headers = {"authorization": f"Bearer {access}"}
        self._connection.request("GET", "/api/v1/auth/account", headers=headers)
        status, _ = self._answer()
        if status not in (200, 401):
            raise BrokenRunError(f"{SCENARIO}: answered {status}")
        return status == 200

    def _answer(self) -> tuple[int, bytes]:
        response = self._connection.getresponse()
        return response.status, response.read()


def measure_revocation(
    one: Server, other: Server, postgres: Postgres, figures: Figures, repetitions: int
) -> None:
    """Notified of it, and with nobody who could be, so that only polls find it."""
    revoking, asking = Caller(one), Caller(other)
    for _ in range(repetitions):
        figures.samples[SCENARIO, "notified"].append(_delays(revoking, asking))
    with postgres.closed_to(APPLICATION_NAME):
        for _ in range(repetitions):
            figures.samples[SCENARIO, "polling alone"].append(_delays(revoking, asking))


def _delays(revoking: Caller, asking: Caller) -> Sample:
    """From the answer to a logout to the first refusal."""
    pairs = _log_in(revoking)
    due = sorted(random.uniform(0, SECONDS) for _ in pairs)  # no secret
    accepted: dict[str, float] = {}
    took = []
    begun = time.perf_counter()
    while pairs or accepted:
        if pairs and time.perf_counter() - begun >= due[-len(pairs)]:
            pair = pairs.pop()
            revoking.post("/api/v1/auth/logout", {"refresh_token": pair["refresh_token"]})
            accepted[pair["access_token"]] = time.perf_counter()
        for token, since in list(accepted.items()):
            if not asking.accepts(token):
                took.append((time.perf_counter() - since) * 1000)
                del accepted[token]
        if not accepted:
            time.sleep(0.001)
    return Sample(
        count=len(took),
        errors={},
        per_second=0.0,
        p50_ms=quantile(took, 50),
        p99_ms=quantile(took, 99),
    )


def _log_in(caller: Caller) -> list[dict[str, Any]]:
    account = credentials(new_email())
    caller.post("/api/v1/auth/register", account)
    pairs = []
    for _ in range(SESSIONS):
        status, body = caller.post("/api/v1/auth/login", account)
        if status != 200:
            raise BrokenRunError(f"{SCENARIO}: a login answered {status}")
        pairs.append(json.loads(body))
    return pairs
