"""POST /auth/logout: by whatever token of the session is at hand."""

from __future__ import annotations

from pathlib import Path

import httpx

from app.shared.infrastructure.statements import Statements
from tests.e2e.passing_time import StoredSessions
from tests.e2e.resigning import expired, forged
from tests.e2e.visitor import Pair, Visitor, bearer, refused


async def test_a_refresh_token_ends_its_session_at_once(
    visitor: Visitor, stored: StoredSessions
) -> None:
    pair = await visitor.newcomer()

    answer = await visitor.log_out(refresh_token=pair.refresh_token)

    assert (answer.status_code, answer.content) == (204, b"")
    refused(await visitor.account(pair.access_token), 401, "session_revoked")
    refused(await visitor.refresh(pair.refresh_token), 401, "session_revoked")
    assert (await stored.row(pair.session_id))["revocation_reason"] == "logout"
    assert await stored.revocations(pair.session_id) == 1


async def test_a_used_refresh_token_will_do(visitor: Visitor) -> None:
    first = await visitor.newcomer()
    second = await visitor.rotated(first.refresh_token)
    third = await visitor.rotated(second.refresh_token)

    answer = await visitor.log_out(refresh_token=first.refresh_token)

    assert answer.status_code == 204
    refused(await visitor.refresh(third.refresh_token), 401, "session_revoked")


async def test_a_bearer_token_ends_its_session(visitor: Visitor) -> None:
    pair = await visitor.newcomer()

    answer = await visitor.log_out(access_token=pair.access_token)

    assert answer.status_code == 204
    refused(await visitor.account(pair.access_token), 401, "session_revoked")
    refused(await visitor.refresh(pair.refresh_token), 401, "session_revoked")


async def test_an_expired_bearer_token_ends_its_session(visitor: Visitor, tmp_path: Path) -> None:
    pair = await visitor.newcomer()
    old = expired(pair.access_token, tmp_path / "keys")
    refused(await visitor.account(old), 401, "token_expired")

    answer = await visitor.log_out(access_token=old)

    assert answer.status_code == 204
    refused(await visitor.refresh(pair.refresh_token), 401, "session_revoked")


async def test_a_logout_may_be_repeated(visitor: Visitor, stored: StoredSessions) -> None:
    pair = await visitor.newcomer()

    answers = [
        await visitor.log_out(refresh_token=pair.refresh_token),
        await visitor.log_out(refresh_token=pair.refresh_token),
        await visitor.log_out(access_token=pair.access_token),
    ]

    assert [answer.status_code for answer in answers] == [204, 204, 204]
    assert await stored.revocations(pair.session_id) == 1


async def test_forged_tokens_have_no_effect(visitor: Visitor) -> None:
    pair = await visitor.newcomer()

    answers = [
        await visitor.log_out(refresh_token=forged(pair.refresh_token)),
        await visitor.log_out(access_token=forged(pair.access_token)),
        await visitor.log_out(refresh_token="nonsense"),
        await visitor.log_out(access_token="nonsense"),
        await visitor.log_out(refresh_token=pair.access_token),
        await visitor.log_out(access_token=pair.refresh_token),
    ]

    assert [answer.status_code for answer in answers] == [204] * 6
    assert (await visitor.account(pair.access_token)).status_code == 200
    assert (await visitor.refresh(pair.refresh_token)).status_code == 200


async def test_a_logout_without_any_token_is_refused(
    visitor: Visitor, client: httpx.AsyncClient
) -> None:
    refused(await visitor.log_out(), 401, "unauthenticated")

    answer = await client.post("/api/v1/auth/logout", json={"refresh_token": None})

    refused(answer, 401, "unauthenticated")


async def test_an_empty_body_leaves_the_word_to_the_bearer_token(
    visitor: Visitor, client: httpx.AsyncClient
) -> None:
    pair = await visitor.newcomer()

    answer = await client.post("/api/v1/auth/logout", json={}, headers=bearer(pair.access_token))

    assert answer.status_code == 204
    refused(await visitor.account(pair.access_token), 401, "session_revoked")


async def test_other_sessions_stay_alive(visitor: Visitor) -> None:
    pair = await visitor.newcomer()
    other = Pair.of(await visitor.log_in())

    await visitor.log_out(refresh_token=pair.refresh_token)

    assert (await visitor.account(other.access_token)).status_code == 200
    assert (await visitor.refresh(other.refresh_token)).status_code == 200


async def test_a_session_that_is_gone_is_logged_out_already(
    visitor: Visitor, statements: Statements
) -> None:
    pair = await visitor.newcomer()
    await statements.rows("delete from auth.account")

    answer = await visitor.log_out(refresh_token=pair.refresh_token)

    assert answer.status_code == 204
