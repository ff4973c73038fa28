"""POST /auth/refresh: the rotation table over HTTP, row by row."""

from __future__ import annotations

import pytest

from app.shared.infrastructure.statements import Statements
from tests.e2e.conftest import Serve
from tests.e2e.passing_time import DAY, GRACE, StoredSessions
from tests.e2e.resigning import forged
from tests.e2e.visitor import Pair, Visitor, refused


async def test_row_1_the_present_generation_advances(
    visitor: Visitor, stored: StoredSessions
) -> None:
    first = await visitor.newcomer()

    answer = await visitor.refresh(first.refresh_token)

    assert answer.headers["cache-control"] == "no-store"
    second = await visitor.rotated(answer.json()["refresh_token"])
    session = await stored.row(first.session_id)
    assert (session["generation"], session["parent"]) == (3, 2)
    assert (second.generation, second.claims["gen"]) == (3, 3)
    assert (await visitor.account(second.access_token)).status_code == 200


async def test_row_2_a_retry_within_the_grace_gets_the_same_successor(
    visitor: Visitor, stored: StoredSessions
) -> None:
    first = await visitor.newcomer()
    second = await visitor.rotated(first.refresh_token)
    await stored.let_pass(GRACE / 2)
    before = await stored.row(first.session_id)

    retried = await visitor.rotated(first.refresh_token)

    assert retried.refresh_token == second.refresh_token
    assert retried.claims["jti"] != second.claims["jti"]
    assert await stored.row(first.session_id) == before


async def test_row_2_a_retry_succeeds_though_another_tab_uses_the_successor(
    visitor: Visitor,
) -> None:
    first = await visitor.newcomer()
    second = await visitor.rotated(first.refresh_token)
    await visitor.account(second.access_token)

    retried = await visitor.rotated(first.refresh_token)

    assert retried.refresh_token == second.refresh_token


async def test_row_3_a_lost_response_is_recovered_after_the_grace(
    visitor: Visitor, stored: StoredSessions
) -> None:
    first = await visitor.newcomer()
    await visitor.rotated(first.refresh_token)
    await stored.let_pass(GRACE + 1)

    recovered = await visitor.rotated(first.refresh_token)

    session = await stored.row(first.session_id)
    assert recovered.generation == 3
    assert (session["parent"], session["recoveries"]) == (1, 1)


async def test_row_3_two_holders_of_an_unconfirmed_branch_diverge_and_one_is_caught(
    visitor: Visitor, stored: StoredSessions
) -> None:
    first = await visitor.newcomer()
    lost = await visitor.rotated(first.refresh_token)
    await stored.let_pass(GRACE + 1)
    recovered = await visitor.rotated(first.refresh_token)
    await visitor.account(recovered.access_token)
    await stored.let_pass(GRACE + 1)

    answer = await visitor.refresh(lost.refresh_token)

    refused(answer, 401, "token_reused")


async def test_row_3_ends_after_ten_recoveries(visitor: Visitor, stored: StoredSessions) -> None:
    first = await visitor.newcomer()
    await visitor.rotated(first.refresh_token)
    for _ in range(10):
        await stored.let_pass(GRACE + 1)
        await visitor.rotated(first.refresh_token)
    await stored.let_pass(GRACE + 1)

    answer = await visitor.refresh(first.refresh_token)

    assert refused(answer, 401, "token_reused")["terminal"] is True


async def test_row_4_the_branch_that_a_recovery_left_is_superseded(
    visitor: Visitor, stored: StoredSessions
) -> None:
    first = await visitor.newcomer()
    left = await visitor.rotated(first.refresh_token)
    await stored.let_pass(GRACE + 1)
    recovered = await visitor.rotated(first.refresh_token)
    await visitor.account(recovered.access_token)

    answer = await visitor.refresh(left.refresh_token)

    assert refused(answer, 401, "token_superseded")["terminal"] is False
    assert 1 <= int(answer.headers["retry-after"]) <= GRACE
    assert (await visitor.refresh(recovered.refresh_token)).status_code == 200


async def test_row_4_a_tab_two_generations_behind_is_superseded_within_the_grace(
    visitor: Visitor, stored: StoredSessions
) -> None:
    first = await visitor.newcomer()
    second = await visitor.rotated(first.refresh_token)
    await stored.let_pass(GRACE / 2)
    third = await visitor.rotated(second.refresh_token)
    await visitor.account(third.access_token)

    answer = await visitor.refresh(first.refresh_token)

    assert refused(answer, 401, "token_superseded")["terminal"] is False
    assert 1 <= int(answer.headers["retry-after"]) <= GRACE / 2
    assert (await stored.row(first.session_id))["revoked_at"] is None
    assert (await visitor.refresh(third.refresh_token)).status_code == 200


async def test_row_5_a_reused_token_ends_the_session_before_the_refusal(
    visitor: Visitor, stored: StoredSessions, statements: Statements
) -> None:
    first = await visitor.newcomer()
    second = await visitor.rotated(first.refresh_token)
    await visitor.account(second.access_token)
    await stored.let_pass(GRACE + 1)

    answer = await visitor.refresh(first.refresh_token)

    assert refused(answer, 401, "token_reused")["terminal"] is True
    session = await stored.row(first.session_id)
    assert session["revocation_reason"] == "reuse"
    assert await stored.revocations(first.session_id) == 1
    assert await _compromised(statements) == 1
    refused(await visitor.refresh(second.refresh_token), 401, "session_revoked")
    refused(await visitor.account(second.access_token), 401, "session_revoked")
    refused(await visitor.account(first.access_token), 401, "session_revoked")


async def test_row_5_leaves_the_other_sessions_of_the_account_alone(
    visitor: Visitor, stored: StoredSessions
) -> None:
    stolen = await visitor.newcomer()
    other = (await visitor.log_in()).json()
    second = await visitor.rotated(stolen.refresh_token)
    await visitor.account(second.access_token)
    await stored.let_pass(GRACE + 1)

    await visitor.refresh(stolen.refresh_token)

    assert (await visitor.account(other["access_token"])).status_code == 200
    assert (await visitor.refresh(other["refresh_token"])).status_code == 200


async def test_row_6_a_generation_from_the_future_ends_the_session(
    visitor: Visitor, stored: StoredSessions, statements: Statements
) -> None:
    first = await visitor.newcomer()
    second = await visitor.rotated(first.refresh_token)
    await statements.rows("update auth.session set generation = 1, parent = 0")

    answer = await visitor.refresh(second.refresh_token)

    assert refused(answer, 401, "token_invalid")["terminal"] is True
    assert (await stored.row(first.session_id))["revocation_reason"] == "forgery"
    assert await _compromised(statements) == 1
    refused(await visitor.account(first.access_token), 401, "session_revoked")


@pytest.mark.parametrize("replayed", [False, True])
@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("update auth.session set revoked_at = now(), revocation_reason = 'logout'",
         "session_revoked"),
        ("update auth.session set idle_expires_at = now()", "session_expired"),
        ("update auth.session set absolute_expires_at = now()", "session_expired"),
        ("update auth.account set auth_epoch = auth_epoch + 1", "session_revoked"),
        ("update auth.account set status = 'disabled'", "account_disabled"),
        ("delete from auth.account", "session_revoked"),
    ],
    ids=["revoked", "idle", "absolute", "epoch", "disabled", "gone"],
)  # fmt: skip
async def test_row_0_comes_before_every_answer(
    visitor: Visitor, statements: Statements, end: str, code: str, replayed: bool
) -> None:
    first = await visitor.newcomer()
    second = await visitor.rotated(first.refresh_token)
    await statements.rows(end)

    answer = await visitor.refresh((first if replayed else second).refresh_token)

    assert refused(answer, 401, code)["terminal"] is True


async def test_refreshing_does_not_extend_the_absolute_lifetime(
    visitor: Visitor, stored: StoredSessions
) -> None:
    pair = await visitor.newcomer()
    for _ in range(3):
        await stored.let_pass(9 * DAY)
        pair = await visitor.rotated(pair.refresh_token)
    await stored.let_pass(2 * DAY)

    last = await visitor.refresh(pair.refresh_token)
    await stored.let_pass(DAY)
    over = await visitor.refresh(Pair.of(last).refresh_token)

    assert last.json()["refresh_expires_in"] <= DAY
    refused(over, 401, "session_expired")


async def test_an_access_token_does_not_outlive_its_session(
    visitor: Visitor, statements: Statements
) -> None:
    pair = await visitor.newcomer()
    await statements.rows(
        "update auth.session set absolute_expires_at = now() + interval '2 minutes'"
    )

    answer = await visitor.refresh(pair.refresh_token)

    assert answer.json()["expires_in"] <= 120
    assert answer.json()["refresh_expires_in"] <= 120


async def test_without_a_grace_every_token_works_once(serve: Serve, stored: StoredSessions) -> None:
    async with serve(auth={"refresh_grace": 0}) as visitor:
        first = await visitor.newcomer()
        second = await visitor.rotated(first.refresh_token)

        refused(await visitor.refresh(first.refresh_token), 401, "token_reused")

        refused(await visitor.refresh(second.refresh_token), 401, "session_revoked")


async def test_forged_tokens_are_refused_and_change_nothing(
    visitor: Visitor, stored: StoredSessions
) -> None:
    pair = await visitor.newcomer()
    token = pair.refresh_token
    before = await stored.row(pair.session_id)

    for wrong in (
        forged(token),
        token.replace(".1.", ".2."),
        token.replace(".1.", ".01."),
        token.replace("rt1.", "rt2."),
        token.upper(),
        f"{token}=",
        f" {token}",
        f"{token}\n",
        pair.access_token,
        "",
        "x" * 4096,
        "☃",
    ):
        assert refused(await visitor.refresh(wrong), 401, "token_invalid")["terminal"] is True

    assert await stored.row(pair.session_id) == before


async def _compromised(statements: Statements) -> int:
    count: int = await statements.value(
        "select count(*) from messaging.event where type = 'auth.session_compromised'"
    )
    return count
