"""What was sent is neither told back in an error nor written into a log."""

from __future__ import annotations

import json
from typing import Any

from app.shared.infrastructure.statements import Statements
from tests.e2e.hostile import JSON_ENDPOINTS
from tests.e2e.resigning import forged
from tests.e2e.socket.server import Server
from tests.e2e.visitor import PASSWORD, Pair, Visitor, bearer, refused

MARK = "marker8c1f"


async def test_no_error_tells_back_what_was_sent(server: Server, visitor: Visitor) -> None:
    pair = await visitor.member()
    headers = {
        "User-Agent": MARK,
        "X-Request-Id": f"{MARK} with blanks",
        "Referer": f"https://{MARK}.example/",
        "Cookie": f"session={MARK}",
        "Origin": f"https://{MARK}.example",
        "X-Forwarded-For": MARK,
    }
    answers = []
    for method, path in JSON_ENDPOINTS:
        guarded = headers | (
            bearer(pair.access_token) | {"If-Match": "*"} if method == "PATCH" else {}
        )
        for body in _marked_bodies():
            answers.append(
                await visitor.client.request(
                    method,
                    path,
                    params={MARK: MARK},
                    content=body,
                    headers=guarded | {"Content-Type": "application/json"},
                )
            )
        for odd in (
            {"Content-Type": f"text/{MARK}"},
            {"If-Match": MARK},
            {"Authorization": f"Bearer {MARK}"},
            {"Authorization": f"{MARK} {MARK}"},
        ):
            answers.append(
                await visitor.client.request(method, path, content="{}", headers=guarded | odd)
            )
        answers.append(await visitor.client.request("DELETE", path, headers=headers))
    answers += [
        await visitor.client.get(f"/{MARK}"),
        await visitor.client.get(f"/problems/{MARK}"),
        await visitor.client.get(f"/api/v1/users/{MARK}"),
        await visitor.client.post("/api/v1/auth/token", data={"grant_type": MARK}),
        await visitor.client.post(
            "/api/v1/auth/token",
            data={"grant_type": "password", "username": MARK, "password": MARK},
        ),
    ]

    for answer in answers:
        # A logout by a forged token is answered as any other.
        assert answer.status_code == 204 or 400 <= answer.status_code < 500
        assert MARK not in answer.text
        assert MARK not in str(answer.headers)
    await server.stop()
    assert MARK not in server.log()


async def test_no_secret_is_logged(server: Server, visitor: Visitor) -> None:
    pair = await visitor.member()
    rotated = await visitor.rotated(pair.refresh_token)
    await visitor.log_in(password=f"{PASSWORD} {MARK}")
    await visitor.refresh(forged(pair.refresh_token))
    await visitor.account(forged(pair.access_token))
    form = {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD}
    granted = Pair.of(await visitor.client.post("/api/v1/auth/token", data=form))
    await visitor.log_out(access_token=granted.access_token)
    await visitor.log_out(refresh_token=pair.refresh_token)

    await server.stop()
    log = server.log()

    assert '"event": "request"' in log
    for secret in (PASSWORD, MARK, "ada@example.com"):
        assert secret not in log
    for each in (pair, rotated, granted):
        for token in (each.access_token, each.refresh_token):
            assert token not in log
            assert token.rpartition(".")[2] not in log


async def test_a_defect_is_logged_without_what_was_sent(
    server: Server, visitor: Visitor, statements: Statements
) -> None:
    pair = await visitor.member()
    for table in ("session", "account"):
        await statements.rows(f"alter table auth.{table} rename to {table}_away")
    try:
        answers = [
            await visitor.log_in(f"{MARK}@example.com", f"{PASSWORD} {MARK}"),
            await visitor.register(f"{MARK}@example.com", f"{PASSWORD} {MARK}"),
            await visitor.refresh(pair.refresh_token),
            await visitor.account(pair.access_token),
        ]
    finally:
        for table in ("session", "account"):
            await statements.rows(f"alter table auth.{table}_away rename to {table}")

    for answer in answers:
        refused(answer, 500, "internal")
        assert "UndefinedTable" not in answer.text
    assert (await visitor.log_in()).status_code == 200
    await server.end()
    log = server.log()
    assert "UndefinedTable" in log
    for secret in (PASSWORD, MARK, pair.access_token, pair.refresh_token):
        assert secret not in log


async def test_a_request_is_found_in_the_log_by_the_id_of_its_answer(
    server: Server, visitor: Visitor
) -> None:
    answer = await visitor.client.get("/api/v1/auth/account", headers={"X-Request-Id": "mine-7"})

    await server.stop()
    [line] = [
        entry
        for entry in map(json.loads, server.log().splitlines())
        if entry.get("request_id") == answer.headers["x-request-id"] and entry["event"] == "request"
    ]
    assert (
        line.items()
        >= {
            "method": "GET",
            "route": "/api/v1/auth/account",
            "status": 401,
            "problem": "unauthenticated",
            "client_request_id": "mine-7",
        }.items()
    )


def _marked_bodies() -> list[str]:
    members: list[dict[str, Any]] = [
        {"email": MARK, "password": MARK},
        {"email": f"{MARK}@example.com", "password": MARK},
        {"email": f"{MARK}@localhost", "password": f"a long passphrase with {MARK}"},
        {"email": [MARK], "password": {"x": MARK}},
        {"email": "ada@example.com", "password": PASSWORD, MARK: MARK},
        {"email": "ada@example.com", "password": MARK, "label": MARK},
        {"email": "ada@example.com", "password": MARK, "label": MARK * 20},
        {"refresh_token": f"rt1.{MARK}"},
        {"refresh_token": [MARK]},
        {"refresh_token": {MARK: MARK}},
        {"display_name": f"{MARK}\u0000"},
        {"handle": f"-{MARK}-"},
        {"time_zone": MARK},
        {"avatar_url": f"javascript:{MARK}"},
        {"bio": MARK * 60},
        {MARK: 1},
    ]
    return [*map(json.dumps, members), f'{{"email": {MARK}', f'["{MARK}"]', f'"{MARK}"']
