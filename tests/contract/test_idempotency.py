"""Requests that are sent again: remembered with their effect, on the fake as on PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from app.modules.auth.testing import InMemoryAuth
from app.shared.application.idempotency import (
    Answer,
    IdempotencyKey,
    IdempotencyKeyReusedError,
)
from app.shared.application.principal import Principal
from app.shared.testing import as_account
from tests.contract.auth_worlds import AuthWorld

REQUEST = IdempotencyKey(operation="POST /things", value="key", fingerprints=("content",))
ANSWER = {"id": "1"}


async def remember(
    auth: AuthWorld,
    request: IdempotencyKey | None = REQUEST,
    *,
    by: Principal | None = None,
    answer: Answer = ANSWER,
    commit: bool = True,
) -> Answer | None:
    async with auth.uow() as uow:
        earlier = await uow.remember(request, by=by, answer=answer)
        if commit and earlier is None:
            await uow.commit()
        return earlier


async def test_a_request_that_is_sent_again_gets_the_answer_of_the_first(auth: AuthWorld) -> None:
    first = await remember(auth)
    again = await remember(auth, answer={"id": "2"})
    and_again = await remember(auth, answer={"id": "3"})

    assert (first, again, and_again) == (None, ANSWER, ANSWER)


async def test_what_was_not_committed_is_not_remembered(auth: AuthWorld) -> None:
    await remember(auth, commit=False)

    assert await remember(auth) is None
    assert await remember(auth) == ANSWER


async def test_a_request_without_a_key_is_always_the_first(auth: AuthWorld) -> None:
    assert [await remember(auth, None) for _ in range(3)] == [None, None, None]


async def test_the_same_key_for_another_request_is_refused(auth: AuthWorld) -> None:
    await remember(auth)

    with pytest.raises(IdempotencyKeyReusedError):
        await remember(auth, replace(REQUEST, fingerprints=("another content",)))

    assert await remember(auth) == ANSWER


async def test_a_request_is_known_again_by_the_fingerprint_of_a_former_secret(
    auth: AuthWorld,
) -> None:
    await remember(auth)

    assert await remember(auth, replace(REQUEST, fingerprints=("newer", "content"))) == ANSWER


async def test_the_same_key_elsewhere_is_another_one(auth: AuthWorld) -> None:
    await remember(auth)

    assert await remember(auth, replace(REQUEST, operation="POST /others")) is None
    assert await remember(auth, replace(REQUEST, value="another")) is None


async def test_nobody_gets_the_answer_of_another_account(auth: AuthWorld) -> None:
    ada, bob = as_account(), as_account()
    await remember(auth, by=ada)

    assert await remember(auth, by=bob, answer={"id": "2"}) is None
    assert await remember(auth, by=None, answer={"id": "3"}) is None
    assert await remember(auth, by=replace(ada, session_id=None)) == ANSWER


async def test_of_many_at_once_one_is_the_first_and_the_others_wait_for_it(
    auth: AuthWorld,
) -> None:
    asked = (remember(auth, answer={"id": str(n)}) for n in range(8))

    answers = await asyncio.gather(*asked)

    (stored,) = {answer["id"] for answer in answers if answer is not None}
    assert [n for n, answer in enumerate(answers) if answer is None] == [int(stored)]


async def test_when_the_first_gives_up_one_of_those_who_wait_is_the_next(auth: AuthWorld) -> None:
    async with auth.uow() as first:
        assert await first.remember(REQUEST, by=None, answer=ANSWER) is None
        waiting = [asyncio.create_task(remember(auth, answer={"id": "2"})) for _ in range(2)]
        done, _ = await asyncio.wait(waiting, timeout=0.1)
        assert done == set()

    answers = await asyncio.gather(*waiting)

    assert sorted(answers, key=str) == sorted([None, {"id": "2"}], key=str)


async def test_units_of_work_that_share_no_requests_know_nothing_of_each_other() -> None:
    first, other = InMemoryAuth(), InMemoryAuth()
    remember_in = partial(IdempotencyKey, operation="POST /things", fingerprints=("content",))

    for world in (first, other):
        async with world.uow() as uow:
            assert await uow.remember(remember_in(value="key"), by=None, answer=ANSWER) is None
            await uow.commit()
