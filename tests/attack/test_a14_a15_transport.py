"""A14 and A15: where a token may stand in a request, and how it travels in an answer."""

from __future__ import annotations

import random

import httpx
import pytest

from tests.attack.target import Target
from tests.attack.targets import Targets
from tests.e2e.visitor import PASSWORD, PUBLIC_URL, Pair, bearer

ME = "/api/v1/users/me"


async def test_a14_no_single_bit_of_an_access_token_can_be_flipped(target: Target) -> None:
    attacker = target.attacker()
    token = (await attacker.joined()).access_token
    # 64 letters carry 6 bits each: a flipped letter is another token, unless it is the last one,
    # two bits of which say nothing; there is one spelling of it all the same.
    places = random.Random(14).sample(range(len(token)), 256)  # noqa: S311  # repeatable

    answers = [
        await attacker.me(token[:place] + chr(ord(token[place]) ^ 1) + token[place + 1 :])
        for place in places
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert (await attacker.me(token)).status_code == 200


async def test_a14_an_access_token_counts_in_its_header_alone(target: Target) -> None:
    attacker = target.attacker()
    token = (await attacker.joined()).access_token
    client = attacker.client

    answers = {
        "query-token": await client.get(ME, params={"access_token": token}),
        "form-token": await client.request("GET", ME, data={"access_token": token}),
        "cookie-token": await client.get(ME, headers={"Cookie": f"access_token={token}"}),
        "cookie by the name of the header": await client.get(
            ME, headers={"Cookie": f"Authorization=Bearer {token}"}
        ),
        "another header": await client.get(ME, headers={"X-Access-Token": token}),
    }

    assert {name for name, answer in answers.items() if answer.status_code != 401} == set()


async def test_a14_the_header_holds_one_token_and_nothing_else(target: Target) -> None:
    attacker = target.attacker()
    token = (await attacker.joined()).access_token

    async def shown(*values: str) -> int:
        headers = [("Authorization", value) for value in values]
        return (await attacker.client.get(ME, headers=headers)).status_code

    assert await shown(f"bearer {token}") == 200
    assert await shown(token) == 401
    assert await shown("Bearer") == 401
    assert await shown(f"Basic {token}") == 401
    assert await shown(f"Bearer bad, Bearer {token}") in (400, 401)
    assert await shown("Bearer bad", f"Bearer {token}") in (400, 401)
    assert await shown(f"Bearer {token}", "Bearer bad") in (400, 401)
    assert await shown(f"Bearer {token}", f"Bearer {token}") in (400, 401)


async def test_a15_no_cache_may_keep_an_answer_with_tokens(target: Target) -> None:
    attacker = target.attacker()
    await attacker.register(attacker.email)
    login = await attacker.log_in(attacker.email)
    refreshed = await attacker.refresh(Pair.of(login).refresh_token)
    by_form = await attacker.client.post(
        "/api/v1/auth/token",
        data={"grant_type": "password", "username": attacker.email, "password": PASSWORD},
    )

    for answer in (login, refreshed, by_form):
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers


@pytest.fixture
async def with_cookies(targets: Targets) -> Target:
    return await targets.shared(AUTH_REFRESH_COOKIE="true")


async def test_a15_in_cookie_mode_the_refresh_token_is_in_a_cookie_no_script_can_read(
    with_cookies: Target,
) -> None:
    attacker = with_cookies.attacker()
    await attacker.register(attacker.email)

    login = await _from_our_pages(
        attacker.client, "/login", {"email": attacker.email, "password": PASSWORD}
    )

    assert login.status_code == 200, login.text
    assert login.headers["cache-control"] == "no-store"
    name, value, flags = _cookie_of(login)
    assert name.startswith("__Host-")
    assert {"secure", "httponly", "samesite=strict", "path=/"} <= flags
    assert not any(flag.startswith("domain") for flag in flags)
    assert "refresh_token" not in login.json()
    assert value not in login.text

    refreshed = await _from_our_pages(
        attacker.client, "/refresh", None, {"Cookie": f"{name}={value}"}
    )

    assert refreshed.status_code == 200, refreshed.text
    assert refreshed.headers["cache-control"] == "no-store"
    _, successor, flags = _cookie_of(refreshed)
    assert {"secure", "httponly", "samesite=strict", "path=/"} <= flags
    assert successor != value
    assert successor not in refreshed.text
    assert "refresh_token" not in refreshed.json()


async def test_a15_in_cookie_mode_other_sites_can_use_no_cookie(with_cookies: Target) -> None:
    attacker = with_cookies.attacker()
    await attacker.register(attacker.email)
    login = await _from_our_pages(
        attacker.client, "/login", {"email": attacker.email, "password": PASSWORD}
    )
    name, value, _ = _cookie_of(login)
    cookie = {"Cookie": f"{name}={value}"}

    for origin in (
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"{PUBLIC_URL}.evil.example"},
        {"Origin": PUBLIC_URL.replace("https", "http")},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ):
        for path in ("/refresh", "/logout"):
            answer = await attacker.client.post(f"/api/v1/auth{path}", headers=cookie | origin)
            assert answer.status_code in (400, 401, 403), (path, origin)
            assert "set-cookie" not in answer.headers

    both = await _from_our_pages(attacker.client, "/refresh", {"refresh_token": value}, cookie)
    assert both.status_code == 400
    assert (await _from_our_pages(attacker.client, "/refresh", None, cookie)).status_code == 200


async def _from_our_pages(
    client: httpx.AsyncClient,
    path: str,
    body: dict[str, str] | None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    client.cookies.clear()
    return await client.post(
        f"/api/v1/auth{path}", json=body, headers={"Origin": PUBLIC_URL, **(headers or {})}
    )


def _cookie_of(answer: httpx.Response) -> tuple[str, str, set[str]]:
    [cookie] = answer.headers.get_list("set-cookie")
    pair, *flags = cookie.split("; ")
    name, _, value = pair.partition("=")
    return name, value, {flag.lower() for flag in flags}


async def test_a15_what_is_authenticated_is_kept_by_no_cache(target: Target) -> None:
    attacker = target.attacker()
    token = (await attacker.joined()).access_token

    for path in ("/users/me", "/auth/account"):
        answer = await attacker.client.get(f"/api/v1{path}", headers=bearer(token))
        assert "no-store" in answer.headers["cache-control"]
