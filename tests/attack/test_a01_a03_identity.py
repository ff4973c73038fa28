"""A01 to A03: one address is one account, and nobody becomes more than they are."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.attack.answers import told
from tests.attack.attacker import Attacker, new_address
from tests.attack.target import Target
from tests.e2e.visitor import PASSWORD, Pair, refused

AT_ONCE = 200
ACCOUNTS = "SELECT count(*) FROM auth.account WHERE email_key = $1"
PROFILES = """
SELECT count(*) FROM users.profile JOIN auth.account ON account.id = profile.account_id
WHERE account.email_key = $1
"""
MOST_VERIFICATIONS = 6
"""The account's own, and AUTH_MAILS_PER_HOUR of attempts, each with a token of its own."""

WISHES: dict[str, Any] = {
    "is_admin": True,
    "is_superuser": True,
    "role": "admin",
    "roles": ["admin"],
    "permissions": ["*"],
    "is_verified": True,
    "email_verified": True,
    "password_hash": "x",
    "created_at": "2001-01-01T00:00:00Z",
    "tenant_id": "1",
}


async def test_a01_many_registrations_of_one_address_make_one_account(target: Target) -> None:
    people = [target.attacker() for _ in range(8)]
    email = people[0].email
    spellings = (email, email.upper())

    answers = await asyncio.gather(
        *(people[n % 8].register(spellings[n % 2]) for n in range(AT_ONCE))
    )

    assert len({told(answer) for answer in answers}) == 1
    assert answers[0].status_code == 202
    await target.settle()
    assert await target.statements.value(ACCOUNTS, email) == 1
    assert await target.statements.value(PROFILES, email) == 1
    mails = [mail for mail in target.sink.mails if mail.recipients[0].lower() == email]
    assert 1 <= len([mail for mail in mails if "/verify-email#" in mail.text]) <= MOST_VERIFICATIONS
    pair = Pair.of(await people[0].log_in(email))
    assert (await people[0].me(pair.access_token)).status_code == 200


async def test_a02_an_address_is_one_account_in_every_spelling(target: Target) -> None:
    owner = target.attacker()
    typed = f"Mike.{owner.email.partition('@')[0]}@Example.COM"
    spellings = (typed.lower(), typed.upper(), f"  {typed.lower()}\t", f"{typed} ")
    await owner.register(typed)

    for spelling in spellings:
        assert (await owner.register(spelling)).status_code == 202
        pair = Pair.of(await owner.log_in(spelling))
        assert (await owner.account(pair.access_token)).json()["email"] == typed
        assert (await owner.forgot(spelling)).status_code == 202

    await target.settle()
    assert await target.statements.value(ACCOUNTS, typed.lower()) == 1
    to_whom = {mail.recipients[0] for mail in target.sink.mails}
    assert {address for address in to_whom if address.lower() == typed.lower()} == {
        typed.replace("@Example.COM", "@example.com")
    }


@pytest.mark.parametrize("wish", WISHES)
async def test_a03_a_registration_grants_nothing_but_an_account(target: Target, wish: str) -> None:
    wisher = target.attacker()
    body = {"email": wisher.email, "password": PASSWORD, wish: WISHES[wish]}

    answer = await wisher.post("/register", body)

    assert answer.status_code in (202, 422)
    if answer.status_code == 202:
        pair = Pair.of(await wisher.log_in(wisher.email))
        account = (await wisher.account(pair.access_token)).json()
        assert account["roles"] == ["user"]
        assert account["email_verified"] is False
        assert not account["created_at"].startswith("2001")


async def test_a03_no_change_reaches_more_than_it_says(target: Target) -> None:
    wisher, victim = target.attacker(), target.attacker()
    pair, victims = await wisher.joined(), await victim.joined()
    before = await _state(target, wisher, pair)
    victims_before = await _state(target, victim, victims)
    victim_id = victims.claims["sub"]
    foreign = {"id": victim_id, "account_id": victim_id, "user_id": victim_id, "sub": victim_id}

    for name, value in (WISHES | foreign | {"email": new_address()}).items():
        edited = await wisher.edit(pair.access_token, {name: value}, if_match="*")
        assert edited.status_code == 422, name
        for path, body in (
            ("/email/change", {"new_email": new_address(), "current_password": PASSWORD}),
            ("/password/change", {"new_password": "x" * 300, "current_password": PASSWORD}),
            ("/account/delete", {"current_password": "not the right one at all"}),
            ("/api-keys", {"name": "", "scopes": [], "current_password": PASSWORD}),
        ):
            answer = await wisher.post(path, body | {name: value}, pair.access_token)
            # Refused for the member, or for what is wrong with the rest: by no means done.
            assert answer.status_code in (401, 403, 422, 429), (path, name, answer.text)

    await target.settle()
    assert await _state(target, wisher, pair) == before
    assert await _state(target, victim, victims) == victims_before


async def test_a03_what_a_token_says_of_others_changes_nothing(target: Target) -> None:
    owner = target.attacker()
    pair = await owner.joined()
    headers = {"X-User-Id": str(uuid4()), "X-Roles": "admin", "X-Account-Id": str(uuid4())}

    answer = await owner.client.get(
        "/api/v1/auth/accounts", headers={"Authorization": f"Bearer {pair.access_token}"} | headers
    )

    assert answer.status_code in (403, 404)
    if answer.status_code == 403:
        refused(answer, 403, "forbidden")


async def _state(target: Target, attacker: Attacker, pair: Pair) -> tuple[Any, ...]:
    me = await attacker.me(pair.access_token)
    account = await attacker.account(pair.access_token)
    row = await target.statements.row(
        "SELECT * FROM auth.account WHERE id = $1::uuid", pair.claims["sub"]
    )
    assert row is not None
    return me.json(), account.json(), dict(row)
