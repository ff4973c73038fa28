"""POST /auth/token: the form behind the Authorize button, with the errors of RFC 6749 §5.2."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Serve
from tests.e2e.visitor import ADDRESS, PASSWORD, Pair, Visitor, refused

PATH = "/api/v1/auth/token"


async def test_the_password_grant_answers_with_a_pair(
    visitor: Visitor, client: httpx.AsyncClient
) -> None:
    await visitor.register()

    answer = await client.post(
        PATH, data={"grant_type": "password", "username": ADDRESS, "password": PASSWORD}
    )

    assert answer.headers["cache-control"] == "no-store"
    assert (await visitor.account(Pair.of(answer).access_token)).status_code == 200


async def test_the_refresh_grant_rotates(visitor: Visitor, client: httpx.AsyncClient) -> None:
    pair = await visitor.newcomer()

    answer = await client.post(
        PATH, data={"grant_type": "refresh_token", "refresh_token": pair.refresh_token}
    )

    assert Pair.of(answer).generation == 2


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password", "username": ADDRESS, "password": "wrong"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "rt1.nonsense"}, "invalid_grant"),
        ({"grant_type": "password", "username": ADDRESS}, "invalid_request"),
        ({"grant_type": "password", "password": PASSWORD}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"username": ADDRESS, "password": PASSWORD}, "invalid_request"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
    ],
)
async def test_refusals_are_those_of_the_standard(
    visitor: Visitor, client: httpx.AsyncClient, form: dict[str, str], error: str
) -> None:
    await visitor.register()

    answer = await client.post(PATH, data=form)

    assert answer.status_code == 400
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.json()["error"] == error


async def test_json_is_no_form(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, json={"grant_type": "password"})

    refused(answer, 415, "unsupported_media_type")


async def test_the_form_exists_in_development_only(serve: Serve, keys_dir: Path) -> None:
    async with serve(environment="staging") as visitor:
        answer = await visitor.client.post(PATH, data={"grant_type": "password"})

    refused(answer, 404, "not_found")
