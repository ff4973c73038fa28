"""A23 to A25: what a mailed link is good for, once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import pytest

from tests.attack.answers import told
from tests.attack.attacker import Attacker
from tests.attack.crowd import answers_at_once
from tests.attack.target import Target
from tests.e2e.resigning import forged
from tests.e2e.visitor import PASSWORD, Pair, refused

NEW_PASSWORD = "eleven calm herons whistle"
AT_ONCE = 50
PASS_MAILS = """
UPDATE auth.outgoing_mail SET created_at = created_at - $1 * interval '1 second',
    expires_at = expires_at - $1 * interval '1 second'
"""
LIFETIME = 10 * 60


@pytest.fixture
def target(verifying: Target) -> Target:
    return verifying


async def test_a23_nobody_is_let_in_before_the_address_is_verified(target: Target) -> None:
    owner = target.attacker()
    await owner.register(owner.email)
    refused(await owner.log_in(owner.email), 401, "invalid_credentials")
    [mail] = await target.sink.to(owner.email)

    first, again = await owner.verify(mail.token), await owner.verify(mail.token)

    assert first.status_code == 204
    refused(again, 422, "link_invalid")
    assert (await owner.log_in(owner.email)).status_code == 200


async def test_a23_a_verification_that_is_not_good_tells_nothing(target: Target) -> None:
    owner, other = target.attacker(), target.attacker()
    await owner.register(owner.email)
    await other.register(other.email)
    [mail], [others] = await target.sink.to(owner.email), await target.sink.to(other.email)
    await other.verify(others.token)
    await target.statements.rows(PASS_MAILS, float(LIFETIME + 1))

    answers = {
        "expired": await owner.verify(mail.token),
        "used": await owner.verify(others.token),
        "forged": await owner.verify(forged(mail.token)),
        "of another purpose": await owner.verify(mail.token.replace("verify", "reset")),
    }

    assert len({told(answer) for answer in answers.values()}) == 1, answers
    refused(await owner.log_in(owner.email), 401, "invalid_credentials")


async def test_a23_a_verification_is_for_the_attempt_that_it_was_sent_to(target: Target) -> None:
    """Whoever registers somebody else's address first does not get in with their password."""
    owner, squatter = target.attacker(), target.attacker()
    await squatter.register(owner.email, "the squatter chose this one")
    await target.sink.to(owner.email)
    await owner.register(owner.email, PASSWORD)
    mails = await target.sink.to(owner.email, 2)

    assert (await owner.verify(mails[1].token)).status_code == 204

    refused(
        await squatter.log_in(owner.email, "the squatter chose this one"),
        401,
        "invalid_credentials",
    )
    assert (await owner.log_in(owner.email, PASSWORD)).status_code == 200
    refused(await owner.verify(mails[0].token), 422, "link_invalid")


@pytest.mark.parametrize(
    "why", ["used", "expired", "superseded", "after a change", "disabled", "forged"]
)
async def test_a24_a_reset_link_that_is_not_good_changes_nothing(target: Target, why: str) -> None:
    owner = target.attacker()
    pair = await target.verified(owner)
    password = PASSWORD
    token = newest = await _reset_link(target, owner)
    match why:
        case "used":
            password = "the password of the first use"
            assert (await owner.reset(token, password)).status_code == 204
        case "expired":
            await target.statements.rows(PASS_MAILS, float(LIFETIME + 1))
        case "superseded":
            newest = await _reset_link(target, owner)
        case "after a change":
            password = "changed by its owner meanwhile"
            await owner.change_password(pair.access_token, PASSWORD, password)
        case "disabled":
            await _disable(target, owner, pair)
        case "forged":
            token = newest = forged(token)

    answer = await owner.reset(token, NEW_PASSWORD)

    refused(answer, 422, "link_invalid")
    if why == "disabled":
        await _enable(target, owner, pair)
    refused(await owner.log_in(owner.email, NEW_PASSWORD), 401, "invalid_credentials")
    assert (await owner.log_in(owner.email, password)).status_code == 200
    if newest != token:
        assert why == "superseded"
        assert (await owner.reset(newest, NEW_PASSWORD)).status_code == 204


async def test_a24_a_reset_without_a_link_or_with_a_weak_password_changes_nothing(
    target: Target,
) -> None:
    owner = target.attacker()
    await target.verified(owner)
    token = await _reset_link(target, owner)

    tokens: list[Any] = ["", None, [], {}, 0, True, [token], {"token": token}, "null", " "]
    for nothing in tokens:
        assert (await owner.reset(nothing, NEW_PASSWORD)).status_code in (400, 401, 422), nothing
    without = await owner.post("/password/reset", {"new_password": NEW_PASSWORD})
    assert without.status_code == 422
    for weak in ("short", "passwordpassword", owner.email, "x" * 129):
        assert (await owner.reset(token, weak)).status_code == 422

    assert (await owner.log_in(owner.email)).status_code == 200
    answer = await owner.reset(token, NEW_PASSWORD)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "set-cookie" not in answer.headers


async def test_a25_of_many_resets_at_once_one_succeeds(target: Target) -> None:
    owner = target.attacker()
    await target.verified(owner)
    token = await _reset_link(target, owner)
    passwords = [f"the {n}th of many new passphrases" for n in range(AT_ONCE)]

    answers = await answers_at_once(
        target,
        "/api/v1/auth/password/reset",
        [{"token": token, "new_password": password} for password in passwords],
        hold="UPDATE auth.account SET locale = locale WHERE email_key = $1",
        of=owner.email,
    )

    assert Counter(answer.status_code == 204 for answer in answers) == {
        True: 1,
        False: AT_ONCE - 1,
    }
    assert {answer.status_code for answer in answers} == {204, 422}
    [winner] = [
        password
        for password, answer in zip(passwords, answers, strict=True)
        if answer.status_code == 204
    ]
    assert (await owner.log_in(owner.email, winner)).status_code == 200
    others = [password for password in passwords if password != winner][:8]
    logins = [await target.attacker().log_in(owner.email, other) for other in [PASSWORD, *others]]
    assert {login.status_code for login in logins} == {401}


async def _reset_link(target: Target, owner: Attacker) -> str:
    """The token of a new one."""
    before = len(target.sink.so_far(owner.email))
    asked = await owner.forgot(owner.email)
    assert asked.status_code == 202, asked.text
    mails = await target.sink.to(owner.email, before + 1)
    return mails[-1].token


async def _disable(target: Target, owner: Attacker, pair: Pair) -> httpx.Response:
    return await _decided(target, owner, pair, "disable")


async def _enable(target: Target, owner: Attacker, pair: Pair) -> httpx.Response:
    return await _decided(target, owner, pair, "enable")


async def _decided(target: Target, owner: Attacker, pair: Pair, what: str) -> httpx.Response:
    admin = await target.administrator()
    path = f"/accounts/{pair.claims['sub']}/{what}"
    answer = await owner.post(path, None, admin.access_token)
    assert answer.is_success, answer.text
    return answer
