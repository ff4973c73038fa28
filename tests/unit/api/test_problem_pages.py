"""The pages that `type` points at."""

from __future__ import annotations

import gc
import re
from typing import ClassVar

import pytest

from app.shared.api.problem_pages import CodeClashError, catalogue, install_problem_pages
from app.shared.domain.errors import (
    ConflictError,
    ThrottledError,
    UnauthenticatedError,
    UnavailableError,
)
from tests.unit.api.small_app import PUBLIC_URL, ask, small_app


class PagedError(UnauthenticatedError):
    """A <b>token</b> whose `page` is tested."""

    code = "paged_for_test"
    detail = "Not & never."
    terminal: ClassVar[bool | None] = False


class EndedError(UnauthenticatedError):
    """A token whose end is tested."""

    code = "ended_for_test"
    detail = "Over."
    terminal: ClassVar[bool | None] = True


async def test_the_type_of_a_problem_is_a_readable_page() -> None:
    app = small_app()
    install_problem_pages(app)
    problem = (await ask(app, "GET", "/nowhere")).json()

    page = await ask(app, "GET", problem["type"].removeprefix(PUBLIC_URL))

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "<h1>Not found</h1>" in page.text
    assert "HTTP 404 Not Found" in page.text
    assert problem["detail"] in page.text


async def test_a_page_tells_what_the_refusal_means_and_what_to_do() -> None:
    app = small_app()
    install_problem_pages(app)

    page = await ask(app, "GET", "/problems/paged_for_test")

    assert "A &lt;b&gt;token&lt;/b&gt; whose <code>page</code> is tested." in page.text
    assert "Not &amp; never." in page.text
    assert "Keep the session." in page.text
    assert "<li>" not in page.text


@pytest.mark.parametrize("code", ["nonsense", "%3Cscript%3E", "..%2F"])
async def test_an_unknown_code_has_no_page(code: str) -> None:
    app = small_app()
    install_problem_pages(app)

    answer = await ask(app, "GET", f"/problems/{code}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_refusals_that_share_a_code_are_all_explained() -> None:
    shared = [
        type("BySomeError", (ThrottledError,), {"__doc__": m, "code": "shared", "detail": "Wait."})
        for m in ("Too many doors.", "Too many windows.")
    ]

    page = catalogue()["shared"].page()

    assert re.findall("<li>(.*)</li>", page) == ["Too many doors.", "Too many windows."]
    # A class lives on in its parent's list of subclasses, where other tests would find it.
    shared.clear()
    gc.collect()
    assert "shared" not in catalogue()


def test_an_access_token_that_is_over_is_no_reason_to_log_in_again() -> None:
    page = catalogue()[EndedError.code].page()

    assert "If it is an access token, refresh once" in page


def test_every_known_code_has_a_page() -> None:
    for entry in catalogue().values():
        assert f"HTTP {entry.status} " in entry.page()


def test_two_refusals_may_share_a_code_only_if_clients_do_the_same() -> None:
    clash = [
        type("OneError", (ConflictError,), {"code": "clashing", "detail": "One."}),
        type("OtherError", (UnavailableError,), {"code": "clashing", "detail": "Other."}),
    ]

    with pytest.raises(CodeClashError, match="clashing"):
        catalogue()

    # A class lives on in its parent's list of subclasses, where other tests would find it.
    clash.clear()
    gc.collect()
    assert "clashing" not in catalogue()
