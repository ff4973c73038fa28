"""GET and PATCH /users/me."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from app.shared.infrastructure.statements import Statements
from tests.e2e.conftest import Serve
from tests.e2e.visitor import Visitor, bearer, refused

PATH = "/api/v1/users/me"


async def test_whoever_registers_and_asks_at_once_gets_a_profile(visitor: Visitor) -> None:
    pair = await visitor.newcomer()

    answer = await visitor.me(pair.access_token)

    assert answer.status_code == 200
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "no-store"
    profile = answer.json()
    assert profile.pop("created_at") == profile.pop("updated_at")
    assert profile == {
        "account_id": pair.claims["sub"],
        "display_name": "",
        "handle": None,
        "locale": "en",
        "time_zone": "UTC",
        "bio": "",
        "avatar_url": None,
        "version": 1,
    }


async def test_a_profile_is_changed_under_the_version_that_was_read(visitor: Visitor) -> None:
    pair = await visitor.newcomer()
    tag = (await visitor.me(pair.access_token)).headers["etag"]
    changes = {
        "display_name": "Ada Lovelace",
        "handle": "Ada_1815",
        "locale": "pt-BR",
        "time_zone": "Europe/London",
        "bio": "First line\nsecond line",
        "avatar_url": "https://example.com/ada.png",
    }

    answer = await visitor.edit(pair.access_token, changes, if_match=tag)

    assert answer.status_code == 200
    assert answer.headers["etag"] == '"2"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json().items() >= {**changes, "version": 2}.items()
    assert (await visitor.me(pair.access_token)).json() == answer.json()


async def test_what_is_left_out_stays_and_null_takes_away(visitor: Visitor) -> None:
    pair = await visitor.member()
    await visitor.edit(pair.access_token, {"display_name": "Ada", "handle": "ada"})

    answer = await visitor.edit(pair.access_token, {"handle": None}, if_match='"2"')

    assert answer.json()["display_name"] == "Ada"
    assert answer.json()["handle"] is None


async def test_a_change_needs_the_version_that_it_was_decided_on(visitor: Visitor) -> None:
    pair = await visitor.member()

    answer = await visitor.edit(pair.access_token, {"bio": "x"}, if_match=None)

    refused(answer, 428, "precondition_required")


@pytest.mark.parametrize("if_match", ["garbage", '"1', "1", "", "*, x"])
async def test_a_malformed_precondition_is_refused(visitor: Visitor, if_match: str) -> None:
    pair = await visitor.member()

    answer = await visitor.edit(pair.access_token, {"bio": "x"}, if_match=if_match)

    refused(answer, 400, "precondition_malformed")


@pytest.mark.parametrize("if_match", ['"2"', '"0"', 'W/"1"', '"other"', '"2", "3"'])
async def test_a_change_of_another_version_is_refused(visitor: Visitor, if_match: str) -> None:
    pair = await visitor.member()

    answer = await visitor.edit(pair.access_token, {"bio": "x"}, if_match=if_match)

    refused(answer, 412, "profile_stale")
    assert (await visitor.me(pair.access_token)).json()["bio"] == ""


@pytest.mark.parametrize("if_match", ['"1"', '"7", "1"', "*"])
async def test_a_change_of_an_admitted_version_is_made(visitor: Visitor, if_match: str) -> None:
    pair = await visitor.member()

    answer = await visitor.edit(pair.access_token, {"bio": "x"}, if_match=if_match)

    assert answer.status_code == 200


async def test_of_two_editors_of_one_version_one_wins(visitor: Visitor) -> None:
    pair = await visitor.member()

    answers = await asyncio.gather(
        *(visitor.edit(pair.access_token, {"bio": f"{n}"}, if_match='"1"') for n in range(8))
    )

    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 7]
    assert (await visitor.me(pair.access_token)).json()["version"] == 2


async def test_a_handle_belongs_to_one_profile_in_whatever_case(visitor: Visitor) -> None:
    ada = await visitor.member("ada@example.com")
    bob = await visitor.member("bob@example.com")
    await visitor.edit(ada.access_token, {"handle": "Ada"}, if_match="*")

    answer = await visitor.edit(bob.access_token, {"handle": "aDA"})

    refused(answer, 409, "handle_taken")
    assert (await visitor.me(bob.access_token)).json()["handle"] is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"display_name": "x" * 101}, "validation"),
        ({"display_name": "bell\u0007"}, "display_name_invalid"),
        ({"display_name": "nul\u0000"}, "validation"),
        ({"display_name": None}, "validation"),
        ({"display_name": 7}, "validation"),
        ({"handle": "no"}, "handle_invalid"),
        ({"handle": "1st"}, "handle_invalid"),
        ({"handle": "not-a-handle"}, "handle_invalid"),
        ({"handle": "x" * 31}, "validation"),
        ({"locale": "english"}, "locale_invalid"),
        ({"time_zone": "Mars/Olympus"}, "time_zone_unknown"),
        ({"time_zone": "../../etc/passwd"}, "time_zone_unknown"),
        ({"bio": "x" * 501}, "validation"),
        ({"bio": "bell\u0007"}, "bio_invalid"),
        ({"avatar_url": "http://example.com/a.png"}, "avatar_url_invalid"),
        ({"avatar_url": "javascript:alert(1)"}, "avatar_url_invalid"),
        ({"avatar_url": "https://user@example.com/"}, "avatar_url_invalid"),
    ],
)
async def test_a_member_that_does_not_fit_is_named(
    visitor: Visitor, changes: Mapping[str, Any], code: str
) -> None:
    pair = await visitor.member()

    answer = await visitor.edit(pair.access_token, changes)

    [error] = refused(answer, 422, code)["errors"]
    assert error["pointer"] == f"/{next(iter(changes))}"
    assert (await visitor.me(pair.access_token)).json()["version"] == 1


@pytest.mark.parametrize(
    "member",
    ["id", "account_id", "user_id", "version", "created_at", "email", "roles", "is_admin"],
)
async def test_what_is_not_the_owners_to_change_is_refused(visitor: Visitor, member: str) -> None:
    pair = await visitor.member()
    before = (await visitor.me(pair.access_token)).json()

    answer = await visitor.edit(pair.access_token, {"bio": "x", member: before["account_id"]})

    refused(answer, 422, "validation")
    assert (await visitor.me(pair.access_token)).json() == before


async def test_nobody_sees_or_changes_another_profile(visitor: Visitor) -> None:
    ada = await visitor.member("ada@example.com")
    bob = await visitor.member("bob@example.com")

    await visitor.edit(ada.access_token, {"bio": "Ada's"})

    assert (await visitor.me(bob.access_token)).json()["bio"] == ""
    assert (await visitor.me(bob.access_token)).json()["account_id"] == bob.claims["sub"]


async def test_a_profile_that_is_still_owed_is_pending(serve: Serve) -> None:
    async with serve(events={"dispatch": False}) as visitor:
        pair = await visitor.newcomer()

        refused(await visitor.me_at_once(pair.access_token), 503, "profile_pending")

        refused(await visitor.edit(pair.access_token, {"bio": "x"}), 503, "profile_pending")


async def test_a_profile_comes_while_its_owner_waits(serve: Serve, statements: Statements) -> None:
    async with serve(events={"dispatch": False}) as visitor:
        pair = await visitor.newcomer()
        async with serve():
            answer = await visitor.me(pair.access_token)

    assert answer.status_code == 200


async def test_a_body_that_is_no_object_is_refused(
    visitor: Visitor, client: httpx.AsyncClient
) -> None:
    pair = await visitor.newcomer()
    headers = bearer(pair.access_token) | {"If-Match": "*"}

    for body in ("[]", "null", '"x"', "1", ""):
        answer = await client.patch(
            PATH, content=body, headers=headers | {"Content-Type": "application/json"}
        )
        refused(answer, 422, "validation")
