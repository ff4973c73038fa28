"""A19 to A22: how sessions end, by their owner, by an administrator and by time."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.attack.attacker import Attacker
from tests.attack.target import Target
from tests.e2e.visitor import PASSWORD, Pair, refused

NEW_PASSWORD = "eleven calm herons whistle"


async def test_a19_a_new_password_ends_the_sessions_of_the_old_one(target: Target) -> None:
    owner = target.attacker()
    pairs = await _five_sessions(target, owner)

    answer = await owner.change_password(pairs[0].access_token, PASSWORD, NEW_PASSWORD)

    pair = Pair.of(answer)
    await _are_over(owner, pairs)
    assert (await owner.me(pair.access_token)).status_code == 200
    assert (await owner.refresh(pair.refresh_token)).status_code == 200
    refused(await owner.log_in(owner.email), 401, "invalid_credentials")
    assert (await owner.log_in(owner.email, NEW_PASSWORD)).status_code == 200
    mails = await target.sink.to(owner.email, 2)
    assert "password" in mails[-1].message["subject"].lower()


async def test_a19_a_reset_ends_every_session(target: Target) -> None:
    owner = target.attacker()
    pairs = await _five_sessions(target, owner)
    await owner.forgot(owner.email)
    mails = await target.sink.to(owner.email, 2)

    answer = await owner.reset(mails[-1].token, NEW_PASSWORD)

    assert answer.status_code == 204, answer.text
    await _are_over(owner, pairs)
    refused(await owner.log_in(owner.email), 401, "invalid_credentials")
    assert (await owner.log_in(owner.email, NEW_PASSWORD)).status_code == 200
    mails = await target.sink.to(owner.email, 3)
    assert "password" in mails[-1].message["subject"].lower()
    assert mails[-1].links == [] or "#token=" not in mails[-1].text


async def test_a20_the_list_of_sessions_says_what_its_owner_needs(target: Target) -> None:
    owner, stranger = target.attacker(), target.attacker()
    await owner.register(owner.email)
    named = Pair.of(await owner.log_in(owner.email, label="the kitchen"))
    pair = Pair.of(await owner.log_in(owner.email))
    await stranger.joined()

    listed = await owner.get("/auth/sessions", pair.access_token)

    assert listed.status_code == 200, listed.text
    items = {item["id"]: item for item in listed.json()["items"]}
    assert items.keys() == {str(named.session_id), str(pair.session_id)}
    assert [item["id"] for item in items.values() if item["current"]] == [str(pair.session_id)]
    kitchen = items[str(named.session_id)]
    assert kitchen["label"] == "the kitchen"
    assert kitchen["ip"].startswith("127.1.")
    assert kitchen["user_agent"].startswith("python-httpx")
    assert {"created_at", "last_used_at"} <= kitchen.keys()
    assert pair.refresh_token not in listed.text
    assert "generation" not in listed.text


async def test_a20_only_a_session_of_ones_own_can_be_ended(target: Target) -> None:
    owner, stranger = target.attacker(), target.attacker()
    foreign = await stranger.joined()
    ended = await owner.joined()
    pair = Pair.of(await owner.log_in(owner.email))

    async def end(session_id: object) -> tuple[int, str]:
        answer = await owner.delete(f"/auth/sessions/{session_id}", pair.access_token)
        return answer.status_code, answer.text.replace(answer.headers["x-request-id"], "")

    assert (await end(ended.session_id))[0] == 204
    refused(await owner.me(ended.access_token), 401, "session_revoked")
    refused(await owner.refresh(ended.refresh_token), 401, "session_revoked")
    at_foreign, at_unknown = await end(foreign.session_id), await end(uuid4())
    assert at_foreign == at_unknown
    assert at_foreign[0] == 404
    assert (await stranger.me(foreign.access_token)).status_code == 200
    assert (await owner.me(pair.access_token)).status_code == 200


@pytest.mark.parametrize("how", ["disable", "delete"])
async def test_a21_an_account_that_is_no_more_admits_nobody(target: Target, how: str) -> None:
    owner = target.attacker()
    pairs = [await owner.joined(), Pair.of(await owner.log_in(owner.email))]
    made = await owner.new_api_key(pairs[0].access_token, "profile:read")
    assert made.status_code == 201, made.text
    unknown = await owner.log_in(target.attacker().email)

    if how == "disable":
        account_id = pairs[0].claims["sub"]
        admin = await target.administrator()
        ended = await owner.post(f"/accounts/{account_id}/disable", None, admin.access_token)
    else:
        ended = await owner.delete_account(pairs[0].access_token)
    assert ended.is_success, ended.text

    for pair in pairs:
        assert (await owner.me(pair.access_token)).status_code == 401
        assert (await owner.account(pair.access_token)).status_code == 401
        assert (await owner.refresh(pair.refresh_token)).status_code == 401
    assert (await owner.me(made.json()["api_key"])).status_code == 401
    login = await owner.log_in(owner.email)
    refused(login, 401, "invalid_credentials")
    assert login.json() | {"instance": ""} == unknown.json() | {"instance": ""}


async def test_a22_refreshing_does_not_make_a_session_last_longer(verifying: Target) -> None:
    owner = verifying.attacker()
    pair = await verifying.verified(owner)

    for _ in range(3):
        await verifying.stored.let_pass(300)
        pair = await owner.rotated(pair.refresh_token)
    assert pair.claims["exp"] - pair.claims["iat"] <= 100
    await verifying.stored.let_pass(100)

    refused(await owner.refresh(pair.refresh_token), 401, "session_expired")


async def test_a22_a_session_that_is_idle_ends(verifying: Target) -> None:
    owner = verifying.attacker()
    pair = await verifying.verified(owner)
    await verifying.stored.let_pass(350)
    pair = await owner.rotated(pair.refresh_token)

    await verifying.stored.let_pass(401)

    refused(await owner.refresh(pair.refresh_token), 401, "session_expired")


async def _five_sessions(target: Target, owner: Attacker) -> list[Pair]:
    first = await owner.joined()
    # What is voided before it is sent is never sent.
    await target.sink.to(owner.email)
    return [first, *[Pair.of(await owner.log_in(owner.email)) for _ in range(4)]]


async def _are_over(owner: Attacker, pairs: list[Pair]) -> None:
    for pair in pairs:
        refused(await owner.me(pair.access_token), 401, "session_revoked")
        refused(await owner.account(pair.access_token), 401, "session_revoked")
        refused(await owner.refresh(pair.refresh_token), 401, "session_revoked")
