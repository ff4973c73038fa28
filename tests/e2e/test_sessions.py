"""GET and DELETE /auth/sessions: the devices of an account, and their ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.shared.infrastructure.statements import Statements
from tests.e2e.conftest import Serve
from tests.e2e.passing_time import StoredSessions
from tests.e2e.visitor import Pair, Visitor, bearer, refused

SESSIONS = "/api/v1/auth/sessions"


async def listed(visitor: Visitor, pair: Pair) -> list[dict[str, Any]]:
    answer = await visitor.client.get(SESSIONS, headers=bearer(pair.access_token))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def revoke(visitor: Visitor, pair: Pair, session_id: UUID | str) -> httpx.Response:
    return await visitor.client.delete(
        f"{SESSIONS}/{session_id}", headers=bearer(pair.access_token)
    )


async def revoke_many(visitor: Visitor, pair: Pair, scope: str) -> httpx.Response:
    return await visitor.client.delete(
        SESSIONS, params={"scope": scope}, headers=bearer(pair.access_token)
    )


async def test_the_list_shows_each_device_and_marks_the_one_that_asks(visitor: Visitor) -> None:
    first = await visitor.newcomer()
    visitor.client.headers["user-agent"] = "phone/1.0"
    second = Pair.of(await visitor.log_in(label="my phone"))

    items = await listed(visitor, first)

    by_id = {UUID(item["id"]): item for item in items}
    assert by_id.keys() == {first.session_id, second.session_id}
    assert [by_id[each.session_id]["current"] for each in (first, second)] == [True, False]
    phone = by_id[second.session_id]
    assert (phone["label"], phone["user_agent"]) == ("my phone", "phone/1.0")
    assert phone["ip"] == "127.0.0.1"
    assert set(phone) == {
        *("id", "label", "user_agent", "ip", "current"),
        *("created_at", "last_used_at", "expires_at"),
    }


async def test_times_of_refreshes_are_known_to_the_hour_alone(
    visitor: Visitor, stored: StoredSessions, statements: Statements
) -> None:
    pair = await visitor.newcomer()
    await statements.rows(
        "update auth.session set rotated_at = '2026-01-01T10:59:58.5Z',"
        " idle_expires_at = date_trunc('hour', now(), 'UTC') + interval '2 days 59 min 7 s'"
    )

    (item,) = await listed(visitor, pair)

    assert datetime.fromisoformat(item["last_used_at"]).isoformat() == "2026-01-01T10:00:00+00:00"
    row = await stored.row(pair.session_id)
    expires_at = datetime.fromisoformat(item["expires_at"])
    assert (expires_at.minute, expires_at.second, expires_at.microsecond) == (0, 0, 0)
    assert timedelta(0) < expires_at - row["idle_expires_at"] <= timedelta(hours=1)


async def test_a_session_that_is_over_is_not_listed(
    visitor: Visitor, statements: Statements
) -> None:
    pair = await visitor.newcomer()
    ends = {
        "idle_expires_at": "now() - interval '1 second'",
        "absolute_expires_at": "now() - interval '1 second'",
        "revoked_at": "now()",
        "epoch": "epoch + 1",
    }
    for column, over in ends.items():
        session = Pair.of(await visitor.log_in()).session_id
        await statements.rows(f"update auth.session set {column} = {over} where id = $1", session)

    items = await listed(visitor, pair)

    assert [UUID(item["id"]) for item in items] == [pair.session_id]


async def test_another_accounts_sessions_are_not_listed(visitor: Visitor) -> None:
    await visitor.newcomer("bob@example.com")
    pair = await visitor.newcomer()

    items = await listed(visitor, pair)

    assert [UUID(item["id"]) for item in items] == [pair.session_id]


async def test_one_session_is_ended_from_another(visitor: Visitor, stored: StoredSessions) -> None:
    pair = await visitor.newcomer()
    lost = Pair.of(await visitor.log_in())

    answer = await revoke(visitor, pair, lost.session_id)

    assert (answer.status_code, answer.content) == (204, b"")
    refused(await visitor.account(lost.access_token), 401, "session_revoked")
    refused(await visitor.refresh(lost.refresh_token), 401, "session_revoked")
    assert (await visitor.account(pair.access_token)).status_code == 200
    assert (await stored.row(lost.session_id))["revocation_reason"] == "owner"
    assert await stored.revocations(lost.session_id) == 1


async def test_ending_a_session_again_is_no_error_and_changes_nothing(
    visitor: Visitor, stored: StoredSessions
) -> None:
    pair = await visitor.newcomer()
    other = Pair.of(await visitor.log_in())
    await visitor.log_out(refresh_token=other.refresh_token)

    answers = [await revoke(visitor, pair, other.session_id) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert (await stored.row(other.session_id))["revocation_reason"] == "logout"
    assert await stored.revocations(other.session_id) == 1


async def test_somebody_elses_session_is_as_unknown_as_none(
    visitor: Visitor, stored: StoredSessions
) -> None:
    foreign = await visitor.newcomer("bob@example.com")
    pair = await visitor.newcomer()

    answers = [
        await revoke(visitor, pair, foreign.session_id),
        await revoke(visitor, pair, uuid4()),
    ]

    problems = [refused(answer, 404, "session_not_found") for answer in answers]
    assert len({tuple(sorted({**each, "instance": ""}.items())) for each in problems}) == 1
    assert (await stored.row(foreign.session_id))["revoked_at"] is None
    assert (await visitor.account(foreign.access_token)).status_code == 200


@pytest.mark.parametrize(("scope", "stays"), [("others", True), ("all", False)])
async def test_the_others_or_all_are_ended(
    visitor: Visitor, stored: StoredSessions, scope: str, *, stays: bool
) -> None:
    stranger = await visitor.newcomer("bob@example.com")
    pair = await visitor.newcomer()
    others = [Pair.of(await visitor.log_in()) for _ in range(3)]

    answer = await revoke_many(visitor, pair, scope)

    assert answer.status_code == 204
    for other in others:
        refused(await visitor.account(other.access_token), 401, "session_revoked")
        assert (await stored.row(other.session_id))["revocation_reason"] == "owner"
    own = await visitor.account(pair.access_token)
    assert own.status_code == (200 if stays else 401)
    assert (await visitor.account(stranger.access_token)).status_code == 200


async def test_which_sessions_has_to_be_said(visitor: Visitor) -> None:
    pair = await visitor.newcomer()

    answers = [
        await visitor.client.delete(SESSIONS, headers=bearer(pair.access_token)),
        await revoke_many(visitor, pair, "everybody"),
        await revoke(visitor, pair, "nonsense"),
    ]

    for answer in answers:
        refused(answer, 422, "validation")
    assert (await visitor.account(pair.access_token)).status_code == 200


async def test_nobody_lists_or_ends_sessions_without_a_token(visitor: Visitor) -> None:
    answers = [
        await visitor.client.get(SESSIONS),
        await visitor.client.delete(SESSIONS, params={"scope": "all"}),
        await visitor.client.delete(f"{SESSIONS}/{uuid4()}"),
    ]

    for answer in answers:
        refused(answer, 401, "unauthenticated")


async def test_an_account_has_as_many_sessions_as_the_operator_allows(serve: Serve) -> None:
    async with serve(auth={"max_sessions": 3}) as visitor:
        first = await visitor.newcomer()
        later = [Pair.of(await visitor.log_in()) for _ in range(3)]

        items = await listed(visitor, later[-1])

        assert {UUID(item["id"]) for item in items} == {each.session_id for each in later}
        refused(await visitor.account(first.access_token), 401, "session_revoked")
        activity = await visitor.client.get(
            "/api/v1/auth/activity", headers=bearer(later[-1].access_token)
        )
        ended = [line for line in activity.json()["items"] if line["what"] == "session_revoked"]
        assert [UUID(line["session_id"]) for line in ended] == [first.session_id]
