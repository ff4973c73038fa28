"""Sessions that were deleted because they were long over: what their tokens are answered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.modules.auth.infrastructure.expiry import Expiry
from app.shared.infrastructure.statements import Statements
from tests.e2e.passing_time import DAY, StoredSessions
from tests.e2e.visitor import Pair, Visitor, refused


@pytest.fixture
def expiry(statements: Statements) -> Expiry:
    return Expiry(statements, remembered=timedelta(minutes=12))


async def test_an_expired_session_says_so_for_a_week_and_then_ends_like_a_revoked_one(
    visitor: Visitor, stored: StoredSessions, expiry: Expiry
) -> None:
    used = await visitor.newcomer()
    latest = await visitor.rotated(used.refresh_token)
    await stored.let_pass(14 * DAY + 6 * DAY)
    assert await expiry.expire_sessions() == 0
    refused(await visitor.refresh(latest.refresh_token), 401, "session_expired")

    await stored.let_pass(2 * DAY)
    assert await expiry.expire_sessions() == 1

    for pair in (used, latest):
        problem = refused(await visitor.refresh(pair.refresh_token), 401, "session_revoked")
        assert problem["terminal"] is True
        answer = await visitor.log_out(refresh_token=pair.refresh_token)
        assert answer.status_code == 204


async def test_the_sessions_that_live_are_refreshed_as_before(
    visitor: Visitor, stored: StoredSessions, expiry: Expiry, statements: Statements
) -> None:
    await visitor.newcomer()
    await stored.let_pass(22 * DAY)
    living = Pair.of(await visitor.log_in())

    assert await expiry.expire_sessions() == 1

    assert (await visitor.rotated(living.refresh_token)).generation == 2
    assert await statements.value("select count(*) from auth.session") == 1
