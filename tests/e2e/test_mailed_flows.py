"""What happens by mail: verification, a forgotten password, another address."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.mailbox import Mailbox, link, text_of
from tests.e2e.visitor import ADDRESS, PASSWORD, PUBLIC_URL, Pair, Visitor, bearer, refused

NEW_PASSWORD = "eleven loud badgers argue"
NEW_ADDRESS = "lovelace@example.org"


@pytest.fixture
def mailbox(tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path)


async def post(visitor: Visitor, path: str, body: object, *, pair: Pair | None = None) -> int:
    answer = await visitor.client.post(
        f"/api/v1/auth/{path}", json=body, headers=bearer(pair.access_token) if pair else {}
    )
    return answer.status_code


async def verify(visitor: Visitor, token: str) -> int:
    return await post(visitor, "email/verify", {"token": token})


async def test_where_verification_is_required_only_a_verified_address_logs_in(
    serve: Serve, mailbox: Mailbox
) -> None:
    async with serve(auth={"email_verification": "required"}) as visitor:
        await visitor.register()
        refused(await visitor.log_in(), 401, "invalid_credentials")
        token = await mailbox.token(ADDRESS)

        assert await verify(visitor, token) == 204

        assert (await visitor.log_in()).status_code == 200
        again = await visitor.client.post("/api/v1/auth/email/verify", json={"token": token})
        refused(again, 422, "link_invalid")


async def test_a_link_leads_to_the_configured_place_in_the_language_of_the_request(
    visitor: Visitor, mailbox: Mailbox
) -> None:
    await visitor.client.post(
        "/api/v1/auth/register",
        json={"email": ADDRESS, "password": PASSWORD},
        headers={"Accept-Language": "de-AT,de;q=0.9", "Host": "bulkhead.example"},
    )

    mail = await mailbox.newest(ADDRESS)

    assert link(mail)[0].startswith(f"{PUBLIC_URL}/")
    assert "Adresse" in text_of(mail)


async def test_a_mail_is_in_the_best_of_the_languages_that_there_are(
    visitor: Visitor, mailbox: Mailbox
) -> None:
    await visitor.client.post(
        "/api/v1/auth/register",
        json={"email": ADDRESS, "password": PASSWORD},
        headers={"Accept-Language": "fr, de;q=0.3"},
    )

    mail = await mailbox.newest(ADDRESS)

    assert "Adresse" in text_of(mail)


async def test_whoever_reads_the_mail_takes_over_what_a_stranger_registered(
    visitor: Visitor, mailbox: Mailbox
) -> None:
    stranger = await visitor.newcomer()
    await mailbox.newest(ADDRESS)
    await visitor.register(password=NEW_PASSWORD)
    refused(await visitor.log_in(password=NEW_PASSWORD), 401, "invalid_credentials")

    assert await verify(visitor, await mailbox.token(ADDRESS, after=1)) == 204

    assert (await visitor.log_in(password=NEW_PASSWORD)).status_code == 200
    refused(await visitor.log_in(), 401, "invalid_credentials")
    refused(await visitor.account(stranger.access_token), 401, "session_revoked")
    refused(await visitor.refresh(stranger.refresh_token), 401, "session_revoked")


async def test_a_reset_puts_everybody_out_and_logs_nobody_in(
    visitor: Visitor, mailbox: Mailbox
) -> None:
    pair = await visitor.newcomer()
    await mailbox.newest(ADDRESS)
    assert await post(visitor, "password/forgot", {"email": ADDRESS}) == 202
    token = await mailbox.token(ADDRESS, after=1)

    reset = await visitor.client.post(
        "/api/v1/auth/password/reset", json={"token": token, "new_password": NEW_PASSWORD}
    )

    assert (reset.status_code, reset.content) == (204, b"")
    refused(await visitor.account(pair.access_token), 401, "session_revoked")
    refused(await visitor.log_in(), 401, "invalid_credentials")
    assert (await visitor.log_in(password=NEW_PASSWORD)).status_code == 200
    assert "#token=" not in text_of(await mailbox.newest(ADDRESS, after=2))


async def test_a_reset_is_shown_to_the_owner_with_the_place_it_came_from(
    visitor: Visitor, mailbox: Mailbox
) -> None:
    await visitor.newcomer()
    await mailbox.newest(ADDRESS)
    await post(visitor, "password/forgot", {"email": ADDRESS})
    body = {"token": await mailbox.token(ADDRESS, after=1), "new_password": NEW_PASSWORD}
    visitor.client.headers["user-agent"] = "a borrowed phone/1.0"

    await post(visitor, "password/reset", body)

    pair = Pair.of(await visitor.log_in(password=NEW_PASSWORD))
    shown = await visitor.client.get("/api/v1/auth/activity", headers=bearer(pair.access_token))
    (reset,) = (item for item in shown.json()["items"] if item["what"] == "password_reset")
    assert (reset["ip"], reset["user_agent"]) == ("127.0.0.1", "a borrowed phone/1.0")


async def test_of_fifty_resets_with_one_token_exactly_one_counts(
    serve: Serve, mailbox: Mailbox
) -> None:
    async with serve(auth={"password_queue": 400}) as visitor:
        await visitor.newcomer()
        await mailbox.newest(ADDRESS)
        await post(visitor, "password/forgot", {"email": ADDRESS})
        token = await mailbox.token(ADDRESS, after=1)
        tries = [f"{NEW_PASSWORD} number {number}" for number in range(50)]

        statuses = await asyncio.gather(
            *(
                post(visitor, "password/reset", {"token": token, "new_password": password})
                for password in tries
            )
        )

        assert sorted(statuses) == [204] + [422] * 49
        (won,) = [one for one, status in zip(tries, statuses, strict=True) if status == 204]
        assert (await visitor.log_in(password=won)).status_code == 200


async def test_changing_the_password_answers_the_one_session_that_lives(
    visitor: Visitor, mailbox: Mailbox
) -> None:
    pair, elsewhere = await visitor.newcomer(), Pair.of(await visitor.log_in())
    await mailbox.newest(ADDRESS)

    answer = await visitor.client.post(
        "/api/v1/auth/password/change",
        json={"current_password": PASSWORD, "new_password": NEW_PASSWORD},
        headers=bearer(pair.access_token),
    )

    new = Pair.of(answer)
    assert answer.headers["cache-control"] == "no-store"
    for dead in (pair, elsewhere):
        refused(await visitor.account(dead.access_token), 401, "session_revoked")
        refused(await visitor.refresh(dead.refresh_token), 401, "session_revoked")
    assert (await visitor.account(new.access_token)).status_code == 200
    await mailbox.newest(ADDRESS, after=1)


async def test_the_new_password_is_judged_under_its_own_name(visitor: Visitor) -> None:
    pair = await visitor.newcomer()

    answer = await visitor.client.post(
        "/api/v1/auth/password/change",
        json={"current_password": PASSWORD, "new_password": "short"},
        headers=bearer(pair.access_token),
    )

    problem = refused(answer, 422, "password_too_short")
    assert [error["pointer"] for error in problem["errors"]] == ["/new_password"]


async def test_another_address_counts_once_its_mail_was_read(
    visitor: Visitor, mailbox: Mailbox
) -> None:
    pair = await visitor.newcomer()
    await mailbox.newest(ADDRESS)
    body = {"new_email": NEW_ADDRESS, "current_password": PASSWORD}
    assert await post(visitor, "email/change", body, pair=pair) == 202
    token = await mailbox.token(NEW_ADDRESS)
    await mailbox.newest(ADDRESS, after=1)
    assert (await visitor.log_in()).status_code == 200

    assert await post(visitor, "email/change/confirm", {"token": token}) == 204

    refused(await visitor.log_in(), 401, "invalid_credentials")
    assert (await visitor.log_in(NEW_ADDRESS)).status_code == 200
    account = (await visitor.account(pair.access_token)).json()
    assert (account["email"], account["email_verified"]) == (NEW_ADDRESS, True)
    await mailbox.newest(ADDRESS, after=2)


async def test_a_taken_address_is_answered_alike_and_written_to_nobody(
    visitor: Visitor, mailbox: Mailbox
) -> None:
    await visitor.register(NEW_ADDRESS)
    pair = await visitor.newcomer()
    await mailbox.newest(NEW_ADDRESS)
    await mailbox.newest(ADDRESS)

    body = {"new_email": NEW_ADDRESS, "current_password": PASSWORD}
    assert await post(visitor, "email/change", body, pair=pair) == 202

    await mailbox.newest(ADDRESS, after=1)
    assert len(mailbox.to(NEW_ADDRESS)) == 1


@pytest.mark.parametrize("path", ["email/resend", "password/forgot"])
async def test_every_address_is_answered_alike(visitor: Visitor, path: str) -> None:
    await visitor.register()
    answers = [
        await visitor.client.post(f"/api/v1/auth/{path}", json={"email": email})
        for email in (ADDRESS, "nobody@example.com")
    ]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert answers[0].headers.keys() == answers[1].headers.keys()


@pytest.mark.parametrize(
    "token", ["", "x", "reset1.a.b.c", "verify1.kid." + "0" * 32 + "." + "A" * 43]
)
@pytest.mark.parametrize("path", ["email/verify", "email/change/confirm", "password/reset"])
async def test_what_is_no_token_is_refused_alike(visitor: Visitor, path: str, token: str) -> None:
    body = {"token": token} | ({"new_password": NEW_PASSWORD} if "reset" in path else {})

    refused(await visitor.client.post(f"/api/v1/auth/{path}", json=body), 422, "link_invalid")
