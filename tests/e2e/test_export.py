"""The export of what is kept of oneself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx

from app.shared.infrastructure.statements import Statements
from tests.e2e.visitor import ADDRESS, PASSWORD, Pair, Visitor, bearer, refused

PATH = "/api/v1/auth/account/export"


async def export(visitor: Visitor, pair: Pair) -> httpx.Response:
    return await visitor.client.get(PATH, headers=bearer(pair.access_token))


async def test_an_export_holds_everything_and_comes_as_a_file(visitor: Visitor) -> None:
    pair = await visitor.member()
    await visitor.member("bob@example.com")
    made = await visitor.client.post(
        "/api/v1/auth/api-keys",
        json={"name": "report", "scopes": ["profile:read"], "current_password": PASSWORD},
        headers=bearer(pair.access_token),
    )
    await visitor.rotated(pair.refresh_token)

    answer = await export(visitor, pair)

    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="personal-data.json"'
    assert answer.headers["cache-control"] == "no-store"
    document: dict[str, Any] = answer.json()
    assert datetime.fromisoformat(document["exported_at"]).tzinfo
    kept = document["sections"]["auth"]
    assert (kept["account"]["id"], kept["account"]["email"]) == (pair.claims["sub"], ADDRESS)
    assert [session["id"] for session in kept["sessions"]] == [str(pair.session_id)]
    assert [key["id"] for key in kept["api_keys"]] == [made.json()["id"]]
    assert {one["what"] for one in kept["activity"]} == {"login", "api_key_created"}
    assert document["sections"]["users"]["profile"]["locale"]
    assert "bob@example.com" not in answer.text


async def test_an_export_tells_no_secret_and_no_time_of_a_refresh(
    visitor: Visitor, statements: Statements
) -> None:
    pair = await visitor.member()
    made = await visitor.client.post(
        "/api/v1/auth/api-keys",
        json={"name": "report", "scopes": ["profile:read"], "current_password": PASSWORD},
        headers=bearer(pair.access_token),
    )
    await visitor.rotated(pair.refresh_token)

    answer = await export(visitor, pair)

    (session,) = answer.json()["sections"]["auth"]["sessions"]
    last_used = datetime.fromisoformat(session["last_used_at"])
    assert (last_used.minute, last_used.second, last_used.microsecond) == (0, 0, 0)
    assert "generation" not in answer.text
    stored = await statements.row(
        "select password_hash, encode(secret_hash, 'hex') as secret_hash"
        " from auth.account, auth.api_key"
    )
    assert stored
    secrets = (stored["password_hash"], stored["secret_hash"], made.json()["api_key"])
    assert [secret for secret in secrets if secret in answer.text] == []


async def test_an_export_without_a_part_is_not_made(
    visitor: Visitor, statements: Statements
) -> None:
    pair = await visitor.member()
    await statements.rows("alter table users.profile rename to gone")
    try:
        answer = await export(visitor, pair)
    finally:
        await statements.rows("alter table users.gone rename to profile")

    refused(answer, 503, "export_incomplete")
    assert ADDRESS not in answer.text


async def test_the_export_of_a_session_that_ended_is_refused(visitor: Visitor) -> None:
    pair = await visitor.member()
    await visitor.log_out(refresh_token=pair.refresh_token)

    refused(await export(visitor, pair), 401, "session_revoked")
