"""A16 to A18: stolen, crowded and returned refresh tokens."""

from __future__ import annotations

import asyncio
import resource
from collections import Counter

import pytest

from tests.attack.crowd import answers_at_once
from tests.attack.size import sized
from tests.attack.target import Target
from tests.attack.targets import Targets
from tests.e2e.passing_time import GRACE
from tests.e2e.visitor import Pair, refused

AT_ONCE = sized(100, 1_000)
ROUNDS = sized(2, 20)
HOLD = "UPDATE auth.session SET label = label WHERE id = $1"

LEAVES = "SELECT count(*) FROM auth.session WHERE id = $1 AND revoked_at IS NULL"


async def test_a16_a_refresh_token_that_comes_back_ends_its_whole_family(target: Target) -> None:
    owner, thief = target.attacker(), target.attacker()
    first = await owner.joined()
    second = await owner.rotated(first.refresh_token)
    assert (await owner.me(second.access_token)).status_code == 200
    await target.stored.let_pass(GRACE + 1)

    stolen = await thief.refresh(first.refresh_token)

    assert refused(stolen, 401, "token_reused")["terminal"] is True
    for pair in (first, second):
        refused(await owner.refresh(pair.refresh_token), 401, "session_revoked")
        refused(await owner.me(pair.access_token), 401, "session_revoked")
    [line] = [line for line in target.log() if line.get("outcome") == "token_reused"]
    assert line["level"] == "warning"
    assert (line["event"], line["what"]) == ("authentication", "refresh")
    assert line["session_id"] == str(first.session_id)
    assert str(line["client"]).startswith("127.1.")


async def test_a17_a_crowd_with_one_token_gets_one_successor(target: Target) -> None:
    _may_open_as_many_files(AT_ONCE)
    owner = target.attacker()
    pair = await owner.joined()

    for _ in range(ROUNDS):
        answers = await asyncio.gather(*(owner.refresh(pair.refresh_token) for _ in range(AT_ONCE)))

        assert Counter(answer.status_code for answer in answers) == {200: AT_ONCE}
        [successor] = {Pair.of(answer).refresh_token for answer in answers}
        row = await target.stored.row(pair.session_id)
        assert (row["generation"], row["revoked_at"]) == (pair.generation + 1, None)
        pair = Pair(pair.access_token, successor)

    assert await target.statements.value(LEAVES, pair.session_id) == 1
    assert (await owner.refresh(pair.refresh_token)).status_code == 200


async def test_a17_without_grace_one_of_a_crowd_gets_the_successor(
    targets: Targets,
) -> None:
    target = await targets.shared(AUTH_REFRESH_GRACE="0")
    _may_open_as_many_files(AT_ONCE)
    pair = await target.attacker().joined()

    for _ in range(ROUNDS):
        answers = await answers_at_once(
            target,
            "/api/v1/auth/refresh",
            [{"refresh_token": pair.refresh_token}] * AT_ONCE,
            hold=HOLD,
            of=pair.session_id,
        )

        codes = Counter(
            "200" if answer.status_code == 200 else answer.json()["code"] for answer in answers
        )
        assert codes == {"200": 1, "token_superseded": AT_ONCE - 1}
        assert await target.statements.value(LEAVES, pair.session_id) == 1
        [pair] = [Pair.of(answer) for answer in answers if answer.status_code == 200]

    assert pair.generation == ROUNDS + 1


async def test_a18_a_logout_ends_its_session_at_once_and_no_other(target: Target) -> None:
    owner = target.attacker()
    ended = await owner.joined()
    other = Pair.of(await owner.log_in(owner.email))

    answers = [await owner.log_out(refresh_token=ended.refresh_token) for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2
    refused(await owner.me(ended.access_token), 401, "session_revoked")
    refused(await owner.account(ended.access_token), 401, "session_revoked")
    refused(await owner.refresh(ended.refresh_token), 401, "session_revoked")
    assert (await owner.me(other.access_token)).status_code == 200
    assert (await owner.refresh(other.refresh_token)).status_code == 200


@pytest.mark.parametrize("dead", ["used", "expired"])
async def test_a18_a_token_that_is_good_for_nothing_else_ends_its_session(
    target: Target, dead: str
) -> None:
    owner = target.attacker()
    first = await owner.joined()
    second = await owner.rotated(first.refresh_token)
    if dead == "expired":
        await target.stored.let_pass(60 * 24 * 60 * 60)

    answer = await owner.log_out(refresh_token=first.refresh_token)

    assert answer.status_code == 204
    refused(await owner.me(second.access_token), 401, "session_revoked")


def _may_open_as_many_files(connections: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8 * connections + 1_024), hard))
