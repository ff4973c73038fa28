"""The end of an account: what dies with it, what is left, and what may begin anew."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import httpx

from app.main import create_app
from app.shared.infrastructure.statements import Statements
from tests.e2e.conftest import MakeSettings, client_of, running
from tests.e2e.mailbox import Mailbox
from tests.e2e.visitor import ADDRESS, PASSWORD, Pair, Visitor, bearer, refused

PATH = "/api/v1/auth/account/delete"
TABLES = ("account", "session", "api_key", "activity")


async def delete(visitor: Visitor, pair: Pair, password: str = PASSWORD) -> httpx.Response:
    return await visitor.client.post(
        PATH, json={"current_password": password}, headers=bearer(pair.access_token)
    )


async def kept(statements: Statements) -> Counter[str]:
    counted = Counter[str]()
    for table in TABLES:
        counted[table] = await statements.value(f"select count(*) from auth.{table}")
    return counted


async def test_nothing_of_a_deleted_account_gets_in_anywhere(visitor: Visitor) -> None:
    pair = await visitor.member()
    other = Pair.of(await visitor.log_in())
    made = await visitor.client.post(
        "/api/v1/auth/api-keys",
        json={"name": "n", "scopes": ["profile:read"], "current_password": PASSWORD},
        headers=bearer(pair.access_token),
    )

    answer = await delete(visitor, pair)

    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    for token in (pair.access_token, other.access_token):
        refused(await visitor.me(token), 401, "session_revoked")
        refused(await visitor.account(token), 401, "session_revoked")
    for token in (pair.refresh_token, other.refresh_token):
        problem = refused(await visitor.refresh(token), 401, "session_revoked")
        assert problem["terminal"] is True
    refused(await visitor.me(made.json()["api_key"]), 401, "token_invalid")
    unknown = refused(await visitor.log_in("nobody@example.com"), 401, "invalid_credentials")
    gone = refused(await visitor.log_in(), 401, "invalid_credentials")
    assert unknown | {"instance": ""} == gone | {"instance": ""}
    assert (await delete(visitor, pair)).status_code == 401


async def test_a_deleted_account_leaves_a_revocation_and_a_mail(
    visitor: Visitor, statements: Statements, tmp_path: Path
) -> None:
    pair = await visitor.member()
    mailbox = Mailbox(tmp_path)
    await mailbox.newest(ADDRESS)

    await delete(visitor, pair)

    assert await kept(statements) == Counter(dict.fromkeys(TABLES, 0))
    (revocation,) = await statements.rows("select account_id, epoch from auth.revocation")
    assert (str(revocation["account_id"]), revocation["epoch"]) == (pair.claims["sub"], 1)
    mail = await mailbox.newest(ADDRESS, after=1)
    assert "deleted" in str(mail["Subject"]).lower()


async def test_the_address_is_free_again_and_begins_anew(visitor: Visitor) -> None:
    first = await visitor.member()
    await delete(visitor, first)

    second = await visitor.member()

    assert second.claims["sub"] != first.claims["sub"]
    refused(await visitor.me(first.access_token), 401, "session_revoked")
    refused(await visitor.refresh(first.refresh_token), 401, "session_revoked")
    assert (await visitor.account(second.access_token)).json()["email"] == ADDRESS


async def test_another_account_is_untouched(visitor: Visitor, statements: Statements) -> None:
    ada, bob = await visitor.member(), await visitor.member("bob@example.com")

    await delete(visitor, ada)

    assert (await visitor.me(bob.access_token)).status_code == 200
    assert (await kept(statements))["account"] == 1


async def test_deleting_needs_the_password(visitor: Visitor, statements: Statements) -> None:
    pair = await visitor.newcomer()

    refused(await delete(visitor, pair, "something else"), 422, "current_password_wrong")

    assert (await kept(statements))["account"] == 1


async def test_of_two_administrators_who_delete_themselves_at_once_one_stays(
    visitor: Visitor, statements: Statements
) -> None:
    for turn in range(3):
        ada = await visitor.newcomer(f"ada{turn}@example.com")
        bob = await visitor.newcomer(f"bob{turn}@example.com")
        await statements.rows("update auth.account set roles = '{admin,user}'")

        answers = await asyncio.gather(delete(visitor, ada), delete(visitor, bob))

        assert sorted(answer.status_code for answer in answers) == [202, 409]
        (stays,) = [answer for answer in answers if answer.status_code == 409]
        refused(stays, 409, "last_administrator")
        await statements.rows("delete from auth.account")


async def test_of_many_deletions_at_once_one_counts(
    visitor: Visitor, statements: Statements
) -> None:
    pair = await visitor.newcomer()

    answers = await asyncio.gather(*(delete(visitor, pair) for _ in range(8)))

    codes = Counter(answer.status_code for answer in answers)
    assert codes[202] == 1
    assert codes.keys() <= {202, 401, 429}
    deleted = "select count(*) from messaging.event where type = 'auth.account_deleted'"
    assert await statements.value(deleted) == 1


async def test_every_process_knows_of_a_deletion(make_settings: MakeSettings) -> None:
    one, other = create_app(make_settings()), create_app(make_settings())
    async with running(one), client_of(one) as here, running(other), client_of(other) as there:
        pair = await Visitor(here).member()
        assert (await Visitor(there).me(pair.access_token)).status_code == 200

        await delete(Visitor(here), pair)

        async with asyncio.timeout(60):
            while (await Visitor(there).me(pair.access_token)).status_code != 401:
                pass
        refused(await Visitor(there).refresh(pair.refresh_token), 401, "session_revoked")
