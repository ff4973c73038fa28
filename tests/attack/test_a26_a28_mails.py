"""A26 to A28: where mails lead, whom they go to, and how an account moves to another address."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.attack.answers import told
from tests.attack.attacker import new_address
from tests.attack.raw import said
from tests.attack.target import Target
from tests.attack.targets import Targets
from tests.e2e.visitor import PASSWORD, PUBLIC_URL, bearer, refused

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "identity_vectors.json").read_text("utf-8")
)
EVIL = "evil.example"
LIES = [
    {"Host": EVIL},
    {"Host": f"bulkhead.example@{EVIL}"},
    {"Host": f"{EVIL}:443"},
    {"X-Forwarded-Host": EVIL},
    {"X-Forwarded-Proto": "http", "X-Forwarded-Port": "81"},
    {"X-Forwarded-Prefix": f"//{EVIL}"},
    {"Forwarded": f"host={EVIL};proto=http"},
    {"X-Original-URL": f"https://{EVIL}/", "X-Rewrite-URL": f"https://{EVIL}/"},
    {"Referer": f"https://{EVIL}/"},
    {"Origin": f"https://{EVIL}"},
    {"X-Host": EVIL, "X-Forwarded-Server": EVIL, "X-HTTP-Host-Override": EVIL},
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: next(iter(lie)))
async def test_a26_every_link_leads_to_us_whatever_a_request_says(
    target: Target, lie: dict[str, str]
) -> None:
    owner = target.attacker()
    client = owner.client

    for path, body in (
        ("/register", {"email": owner.email, "password": PASSWORD}),
        ("/email/resend", {"email": owner.email}),
        ("/password/forgot", {"email": owner.email}),
    ):
        answer = await client.post(f"/api/v1/auth{path}", json=body, headers=lie)
        assert answer.status_code in (202, 400, 421), answer.text

    await owner.register(owner.email)
    await target.settle()
    mails = target.sink.so_far(owner.email)
    assert mails
    for mail in mails:
        assert mail.links
        assert [link for link in mail.links if not link.startswith(f"{PUBLIC_URL}/")] == []
        assert EVIL not in mail.message.as_string()


async def test_a26_an_absolute_request_line_changes_no_link(target: Target) -> None:
    owner = target.attacker()
    body = json.dumps({"email": owner.email, "password": PASSWORD}).encode()

    answer = await said(
        target.url,
        b"POST http://evil.example/api/v1/auth/register HTTP/1.1\r\nHost: evil.example\r\n"
        b"Content-Type: application/json\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body),
    )

    assert answer.status in (202, 400, 404, 421)
    if answer.status == 202:
        [mail] = await target.sink.to(owner.email)
        assert [link for link in mail.links if not link.startswith(f"{PUBLIC_URL}/")] == []


NO_ADDRESSES: list[Any] = [
    *(case["value"] for case in VECTORS["must_reject"]),
    ["a@example.com", "b@example.com"],
    {"email": "a@example.com"},
    {"$ne": None},
    None,
    True,
    0,
    "",
]


async def test_a27_what_is_not_one_address_gets_no_mail_and_no_account(target: Target) -> None:
    owner = target.attacker()
    pair = await owner.joined()
    await target.settle()
    mails, accounts = len(target.sink.mails), await _accounts(target)
    wrong: list[tuple[str, str, int]] = []

    for value in NO_ADDRESSES:
        # One after the other by somebody else, who is not turned away for asking too often.
        client = target.client()
        for path, body in (
            ("/register", {"email": value, "password": PASSWORD}),
            ("/login", {"email": value, "password": PASSWORD}),
            ("/password/forgot", {"email": value}),
            ("/email/resend", {"email": value}),
            ("/email/change", {"new_email": value, "current_password": PASSWORD}),
        ):
            signed = bearer(pair.access_token) if path == "/email/change" else {}
            answer = await client.post(f"/api/v1/auth{path}", json=body, headers=signed)
            if not 400 <= answer.status_code < 500:
                wrong.append((ascii(value), path, answer.status_code))

    assert wrong == []
    await target.settle()
    assert len(target.sink.mails) == mails
    assert await _accounts(target) == accounts


async def test_a27_two_addresses_in_one_body_are_none(target: Target) -> None:
    owner, victim = target.attacker(), new_address()
    for path in ("/register", "/login", "/password/forgot", "/email/resend"):
        body = (
            f'{{"email": "{victim}", "email": "{owner.email}", "password": {json.dumps(PASSWORD)}}}'
        )
        answer = await owner.client.post(
            f"/api/v1/auth{path}", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (400, 422)

    await target.settle()
    assert target.sink.so_far(victim) == target.sink.so_far(owner.email) == []


@pytest.mark.parametrize("group", VECTORS["same_identity_groups"], ids=lambda g: g["canonical"])
async def test_a27_what_only_looks_alike_is_another_account_or_none(
    targets: Targets, group: dict[str, Any]
) -> None:
    # The addresses of the vectors are nobody else's there.
    target = await targets.shared(AUTH_STRICT_REVOCATION="true")
    owner = target.attacker()
    canonical = group["canonical"]
    await owner.register(canonical, PASSWORD)
    await target.settle()

    for same in group["must_be_same_account"]:
        assert (await owner.log_in(same)).status_code == 200, ascii(same)
    for other in group["must_not_match_or_reject"]:
        mails = len(target.sink.so_far(canonical))
        stranger = target.attacker()
        assert (await stranger.log_in(other)).status_code in (401, 422), ascii(other)
        assert (await stranger.forgot(other)).status_code in (202, 400, 422), ascii(other)
        registered = await stranger.register(other, "a stranger's own passphrase")
        assert registered.status_code in (202, 400, 422), ascii(other)
        await target.settle()
        assert len(target.sink.so_far(canonical)) == mails, ascii(other)

    assert (await owner.log_in(canonical)).status_code == 200


async def test_a28_another_address_needs_the_password_and_a_confirmation(target: Target) -> None:
    owner = target.attacker()
    old, new = owner.email, new_address()
    pair = await target.verified(owner)

    without = await owner.post("/email/change", {"new_email": new}, pair.access_token)
    assert without.status_code == 422
    wrong = await owner.change_email(pair.access_token, new, "not the right one at all")
    assert wrong.status_code in (401, 403, 422)
    assert (await owner.post("/email/change", {"new_email": new})).status_code in (401, 422)
    await target.settle()
    assert target.sink.so_far(new) == []

    asked = await owner.change_email(pair.access_token, new)
    assert asked.status_code == 202, asked.text
    [confirmation] = await target.sink.to(new)
    assert (await owner.log_in(old)).status_code == 200
    refused(await target.attacker().log_in(new), 401, "invalid_credentials")
    assert (await owner.account(pair.access_token)).json()["email"] == old

    confirmed = await owner.confirm_email(confirmation.token)
    assert confirmed.status_code == 204, confirmed.text
    refused(await owner.confirm_email(confirmation.token), 422, "link_invalid")
    refused(await target.attacker().log_in(old), 401, "invalid_credentials")
    logged_in = await owner.log_in(new)
    assert logged_in.status_code == 200, logged_in.text
    mails = await target.sink.to(old, 2)
    assert [mail for mail in mails[1:] if "#token=" in mail.text] == []
    await target.settle()
    assert len(target.sink.so_far(old)) >= 2


async def test_a28_an_address_that_is_taken_is_answered_as_any_other(target: Target) -> None:
    owner, other = target.attacker(), target.attacker()
    pair = await target.verified(owner)
    await target.verified(other)
    before = len(target.sink.so_far(other.email))

    free = await owner.change_email(pair.access_token, new_address())
    taken = await owner.change_email(pair.access_token, other.email)

    assert told(free) == told(taken)
    assert free.status_code == 202
    await target.settle()
    assert [m for m in target.sink.so_far(other.email)[before:] if "#token=" in m.text] == []
    assert (await other.log_in(other.email)).status_code == 200


async def _accounts(target: Target) -> int:
    count: int = await target.statements.value("SELECT count(*) FROM auth.account")
    return count
