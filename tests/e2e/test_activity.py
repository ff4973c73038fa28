"""GET /auth/activity: what happened to an account, as its owner sees it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.shared.infrastructure.statements import Statements
from tests.e2e.passing_time import StoredSessions
from tests.e2e.visitor import Pair, Visitor, bearer, refused

ACTIVITY = "/api/v1/auth/activity"


async def page(visitor: Visitor, pair: Pair, **params: Any) -> dict[str, Any]:
    answer = await visitor.client.get(ACTIVITY, params=params, headers=bearer(pair.access_token))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


async def happened(visitor: Visitor, pair: Pair) -> list[str]:
    return [item["what"] for item in (await page(visitor, pair))["items"]]


async def test_a_login_is_shown_with_the_place_it_came_from(visitor: Visitor) -> None:
    visitor.client.headers["user-agent"] = "phone/1.0"
    pair = await visitor.newcomer()

    (login,) = (await page(visitor, pair))["items"]

    assert login.pop("at")
    assert login == {
        "what": "login",
        "session_id": str(pair.session_id),
        "ip": "127.0.0.1",
        "user_agent": "phone/1.0",
    }


async def test_ends_of_sessions_are_shown_the_latest_first(visitor: Visitor) -> None:
    pair = await visitor.newcomer()
    others = [Pair.of(await visitor.log_in()) for _ in range(2)]
    await visitor.log_out(refresh_token=others[0].refresh_token)
    await visitor.client.delete(
        f"/api/v1/auth/sessions/{others[1].session_id}", headers=bearer(pair.access_token)
    )

    assert await happened(visitor, pair) == ["session_revoked", "logout", *3 * ["login"]]


async def test_a_failed_login_and_a_refresh_leave_nothing(visitor: Visitor) -> None:
    pair = await visitor.newcomer()
    await visitor.log_in(password="a wrong password")
    pair = await visitor.rotated(pair.refresh_token)

    assert await happened(visitor, pair) == ["login"]


async def test_reuse_is_shown_with_the_hour_alone(visitor: Visitor, stored: StoredSessions) -> None:
    pair = await visitor.newcomer()
    await visitor.account((await visitor.rotated(pair.refresh_token)).access_token)
    other = Pair.of(await visitor.log_in())
    await stored.let_pass(60)
    refused(await visitor.refresh(pair.refresh_token), 401, "token_reused")

    compromised, *_ = (await page(visitor, other))["items"]

    assert compromised["what"] == "session_compromised"
    assert compromised["session_id"] == str(pair.session_id)
    assert compromised["ip"] is None
    at = datetime.fromisoformat(compromised["at"])
    assert (at.minute, at.second, at.microsecond) == (0, 0, 0)


async def test_the_list_comes_in_pages(visitor: Visitor) -> None:
    pair = await visitor.newcomer()
    sessions = [pair.session_id, *[Pair.of(await visitor.log_in()).session_id for _ in range(4)]]

    seen: list[str] = []
    cursor: dict[str, str] = {}
    pages = 0
    while True:
        found = await page(visitor, pair, limit=2, **cursor)
        seen += [item["session_id"] for item in found["items"]]
        pages += 1
        if found["next_cursor"] is None:
            break
        cursor = {"cursor": found["next_cursor"]}

    assert seen == [str(session) for session in reversed(sessions)]
    assert pages == 3


async def test_a_cursor_is_good_for_its_own_list_alone(visitor: Visitor) -> None:
    bob = await visitor.newcomer("bob@example.com")
    await visitor.log_in("bob@example.com")
    cursor = (await page(visitor, bob, limit=1))["next_cursor"]
    pair = await visitor.newcomer()

    for wrong in (cursor, "nonsense", cursor[:-1], ""):
        answer = await visitor.client.get(
            ACTIVITY, params={"cursor": wrong}, headers=bearer(pair.access_token)
        )
        refused(answer, 422, "cursor_invalid")


async def test_nobody_sees_the_activity_of_others(visitor: Visitor) -> None:
    await visitor.newcomer("bob@example.com")
    pair = await visitor.newcomer()

    assert await happened(visitor, pair) == ["login"]
    refused(await visitor.client.get(ACTIVITY), 401, "unauthenticated")


async def test_a_login_and_its_line_are_one_statement(
    visitor: Visitor, statements: Statements
) -> None:
    await visitor.register()
    await statements.rows("alter table auth.activity add constraint broken check (false) not valid")
    try:
        answer = await visitor.log_in()
    finally:
        await statements.rows("alter table auth.activity drop constraint broken")

    refused(answer, 500, "internal")
    assert await statements.value("select count(*) from auth.session") == 0
