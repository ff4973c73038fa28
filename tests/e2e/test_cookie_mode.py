"""Cookie mode: the refresh token in a cookie, and who may have it sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tests.e2e.conftest import Serve
from tests.e2e.gateway import Gateway
from tests.e2e.passing_time import StoredSessions
from tests.e2e.visitor import ADDRESS, PASSWORD, PUBLIC_URL, Visitor, bearer, refused

COOKIE = "__Host-refresh_token"
LOGIN, REFRESH, LOGOUT = (f"/api/v1/auth/{each}" for each in ("login", "refresh", "logout"))
CREDENTIALS = {"email": ADDRESS, "password": PASSWORD}
OURS = {"Origin": PUBLIC_URL}


@pytest.fixture
async def browser(serve: Serve) -> AsyncIterator[Browser]:
    async with serve(auth={"refresh_cookie": True}) as visitor:
        await visitor.register()
        yield Browser(visitor)


class Browser:
    """Keeps no cookie by itself: what is sent is the test's to say."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor

    async def post(
        self,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        self.visitor.client.cookies.clear()
        sent = dict(OURS if headers is None else headers)
        if token is not None:
            sent["Cookie"] = f"{COOKIE}={token}"
        return await self.visitor.client.post(path, json=body, headers=sent)

    async def log_in(self) -> httpx.Response:
        answer = await self.post(LOGIN, CREDENTIALS)
        assert answer.status_code == 200, answer.text
        return answer


def cookie_of(answer: httpx.Response) -> Morsel[str]:
    (stated,) = answer.headers.get_list("set-cookie")
    return SimpleCookie(stated)[COOKIE]


def is_cleared(answer: httpx.Response) -> bool:
    if "set-cookie" not in answer.headers:
        return False
    cookie = cookie_of(answer)
    return (cookie.value, cookie["max-age"]) == ("", "0") and is_bound(cookie)


def is_bound(cookie: Morsel[str]) -> bool:
    """To this host, to TLS, away from scripts and from other sites."""
    return (
        bool(cookie["secure"])
        and bool(cookie["httponly"])
        and (cookie["path"], cookie["samesite"], cookie["domain"]) == ("/", "Strict", "")
    )


async def test_the_refresh_token_is_in_the_cookie_and_not_in_the_body(browser: Browser) -> None:
    answer = await browser.log_in()

    cookie = cookie_of(answer)
    assert cookie.value.startswith("rt1.")
    assert is_bound(cookie)
    assert int(cookie["max-age"]) == answer.json()["refresh_expires_in"]
    assert "refresh_token" not in answer.json()
    assert cookie.value not in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_the_cookie_is_refreshed_and_a_retry_gets_the_same(browser: Browser) -> None:
    token = cookie_of(await browser.log_in()).value

    answers = [await browser.post(REFRESH, token=token) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [set(answer.json()) for answer in answers] == 2 * [
        {"access_token", "token_type", "expires_in", "refresh_expires_in"}
    ]
    successors = {cookie_of(answer).value for answer in answers}
    assert len(successors) == 1
    assert token not in successors


async def test_logging_out_ends_the_session_and_takes_the_cookie(browser: Browser) -> None:
    token = cookie_of(await browser.log_in()).value

    answer = await browser.post(LOGOUT, token=token)

    assert answer.status_code == 204
    assert is_cleared(answer)
    over = await browser.post(REFRESH, token=token)
    refused(over, 401, "session_revoked")
    assert is_cleared(over)


async def test_changing_the_password_changes_the_cookie(browser: Browser) -> None:
    access_token = (await browser.log_in()).json()["access_token"]

    answer = await browser.post(
        "/api/v1/auth/password/change",
        {"current_password": PASSWORD, "new_password": "another seven quiet otters"},
        headers=bearer(access_token),
    )

    assert answer.status_code == 200, answer.text
    assert "refresh_token" not in answer.json()
    refreshed = await browser.post(REFRESH, token=cookie_of(answer).value)
    assert refreshed.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": f"{PUBLIC_URL}.evil.example"},
        {"Origin": PUBLIC_URL.replace("https", "http")},
        {"Origin": f"{PUBLIC_URL}:8443"},
        {"Origin": f"{PUBLIC_URL}/"},
        {"Origin": PUBLIC_URL.upper()},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Referer": f"{PUBLIC_URL}/"},
    ],
    ids=str,
)
async def test_what_no_page_of_ours_asks_is_refused_without_effect(
    browser: Browser, headers: dict[str, str]
) -> None:
    token = cookie_of(await browser.log_in()).value

    answers = [
        await browser.post(LOGIN, CREDENTIALS, headers=headers),
        await browser.post(REFRESH, token=token, headers=headers),
        await browser.post(LOGOUT, token=token, headers=headers),
    ]

    for answer in answers:
        refused(answer, 403, "origin_refused")
        assert "set-cookie" not in answer.headers
    later = cookie_of(await browser.post(REFRESH, token=token)).value
    assert later.split(".")[3] == "2"


async def test_the_browsers_word_that_the_origin_is_the_same_is_enough(browser: Browser) -> None:
    answer = await browser.post(LOGIN, CREDENTIALS, headers={"Sec-Fetch-Site": "same-origin"})

    assert answer.status_code == 200


async def test_a_configured_origin_may_have_the_cookie_sent(serve: Serve) -> None:
    app = "https://app.example.com"
    for credentials, status in ((True, 200), (False, 403)):
        async with serve(
            auth={"refresh_cookie": True},
            edge={"cors_origins": (app,), "cors_credentials": credentials},
        ) as visitor:
            await visitor.register()

            answer = await Browser(visitor).post(LOGIN, CREDENTIALS, headers={"Origin": app})

            assert answer.status_code == status


async def test_a_token_in_the_cookie_and_one_in_the_body_are_one_too_many(
    browser: Browser,
) -> None:
    token = cookie_of(await browser.log_in()).value

    answers = [
        await browser.post(REFRESH, {"refresh_token": token}, token=token),
        await browser.post(LOGOUT, {"refresh_token": token}, token=token),
        await browser.post(LOGIN, CREDENTIALS | {"refresh_token": token}, token=token),
    ]

    for answer in answers:
        refused(answer, 400, "credentials_ambiguous")
        assert "set-cookie" not in answer.headers
    assert (await browser.post(REFRESH, token=token)).status_code == 200


async def test_a_client_that_still_has_a_token_of_its_own_gets_the_cookie_for_it(
    browser: Browser,
) -> None:
    token = cookie_of(await browser.log_in()).value

    answer = await browser.post(REFRESH, {"refresh_token": token})

    assert answer.status_code == 200
    assert cookie_of(answer).value != token


async def test_without_any_token_there_is_nothing_to_refresh(browser: Browser) -> None:
    for body in (None, {}, {"refresh_token": None}):
        answer = await browser.post(REFRESH, body)

        assert "terminal" not in refused(answer, 401, "unauthenticated")
        assert "set-cookie" not in answer.headers


async def test_a_forged_or_reused_token_takes_the_cookie(
    browser: Browser, serve: Serve, stored: StoredSessions
) -> None:
    token = cookie_of(await browser.log_in()).value
    second = await browser.post(REFRESH, token=token)
    await browser.visitor.account(second.json()["access_token"])
    await stored.let_pass(60)

    forged = await browser.post(REFRESH, token=f"{token[:-4]}AAAA")
    reused = await browser.post(REFRESH, token=token)

    refused(forged, 401, "token_invalid")
    refused(reused, 401, "token_reused")
    assert is_cleared(forged)
    assert is_cleared(reused)


async def test_a_superseded_token_leaves_the_cookie(browser: Browser) -> None:
    token = cookie_of(await browser.log_in()).value
    newer = token
    for _ in range(2):
        answer = await browser.post(REFRESH, token=newer)
        await browser.visitor.account(answer.json()["access_token"])
        newer = cookie_of(answer).value

    answer = await browser.post(REFRESH, token=token)

    refused(answer, 401, "token_superseded")
    assert "set-cookie" not in answer.headers


async def test_an_outage_leaves_the_cookie(serve: Serve, database: str) -> None:
    gateway = Gateway(database)
    await gateway.open()
    settings = {"database_": {"url": SecretStr(gateway.url)}, "auth": {"refresh_cookie": True}}
    async with serve(**settings) as visitor:
        await visitor.register()
        browser = Browser(visitor)
        token = cookie_of(await browser.log_in()).value
        await gateway.cut()

        answer = await browser.post(REFRESH, token=token)

        refused(answer, 503, "database_unavailable")
        assert "set-cookie" not in answer.headers
        await gateway.open()
        assert (await browser.post(REFRESH, token=token)).status_code == 200
    await gateway.cut()


async def test_a_wrong_password_leaves_the_cookie(browser: Browser) -> None:
    token = cookie_of(await browser.log_in()).value

    answer = await browser.post(LOGIN, CREDENTIALS | {"password": "a wrong one"}, token=token)

    refused(answer, 401, "invalid_credentials")
    assert "set-cookie" not in answer.headers


async def test_without_cookie_mode_cookies_mean_nothing(visitor: Visitor) -> None:
    pair = await visitor.newcomer()
    browser = Browser(visitor)

    refreshed = await browser.post(REFRESH, token=pair.refresh_token, headers={})
    ended = await browser.post(LOGOUT, token=pair.refresh_token, headers={})
    in_body = await browser.post(
        REFRESH, {"refresh_token": pair.refresh_token}, token="nonsense", headers={}
    )

    refused(refreshed, 401, "unauthenticated")
    refused(ended, 401, "unauthenticated")
    assert in_body.status_code == 200
    assert "set-cookie" not in in_body.headers
