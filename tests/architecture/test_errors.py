"""Every refusal has a stable name, a text without input, a status and a page."""

from __future__ import annotations

import re
from collections import defaultdict

import httpx
import pytest
from fastapi import FastAPI

from app.shared.api.errors import STATUS_OF_KIND, HttpError, UnmappedErrorError, status_of
from app.shared.application.event_bus import Discard, Retry
from app.shared.domain.errors import DomainError
from tests.architecture.markdown import CLIENTS
from tests.architecture.product import classes

KINDS = {DomainError, HttpError, *STATUS_OF_KIND}


def families() -> set[type[DomainError]]:
    """What is never raised itself: the kinds, and what only groups refusals of a module."""
    parents = {parent for error in domain_errors() for parent in error.__mro__[1:]}
    return {error for error in domain_errors() if error in parents and not hasattr(error, "code")}


def domain_errors() -> list[type[DomainError]]:
    return [found for found in classes() if issubclass(found, DomainError)]


REFUSALS = [error for error in domain_errors() if error not in families()]


def test_every_exception_of_ours_ends_in_error() -> None:
    raised = {found for found in classes() if issubclass(found, BaseException)}
    requests = {Retry, Discard}

    exceptions = [found.__name__ for found in raised - requests]

    assert raised > requests
    assert len(exceptions) > 40
    assert [name for name in exceptions if not name.endswith("Error")] == []


def test_the_families_are_the_kinds_and_token_errors() -> None:
    assert {error.__name__ for error in families() - KINDS} == {"TokenError"}
    assert families() >= KINDS


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: error.__name__)
def test_a_refusal_has_a_code_and_a_detail_of_its_own(error: type[DomainError]) -> None:
    assert {"code", "detail"} <= vars(error).keys()
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
    assert re.fullmatch(r"[A-Z][^{}%\n]+\.", error.detail)
    assert str(error()) == error.detail


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: error.__name__)
def test_a_refusal_says_what_it_means_in_a_docstring(error: type[DomainError]) -> None:
    assert error.__doc__
    assert vars(error).get("__doc__") == error.__doc__


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: error.__name__)
async def test_a_refusal_has_a_status_and_a_page(
    error: type[DomainError], product: FastAPI
) -> None:
    transport = httpx.ASGITransport(product)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        page = await client.get(f"/problems/{error.code}")

    assert page.status_code == 200
    assert f"HTTP {status_of(error)} " in page.text


def test_the_list_for_clients_has_every_code_with_its_status_and_whether_it_is_terminal() -> None:
    listed = re.findall(r"^\| (\d{3}) \| `(\w+)` \| ?(yes|no|) ?\|", CLIENTS.text, re.MULTILINE)
    terminal = {True: "yes", False: "no", None: ""}

    assert len(listed) == len({code for _, code, _ in listed})
    assert {*listed} == {
        (str(status_of(error)), error.code, terminal[error.terminal]) for error in REFUSALS
    }


def test_every_kind_has_a_status_of_its_own() -> None:
    kinds = {kind for kind in DomainError.__subclasses__() if kind.__module__.startswith("app.")}

    assert kinds == {HttpError, *STATUS_OF_KIND}
    assert len(set(STATUS_OF_KIND.values())) == len(STATUS_OF_KIND)


def test_a_refusal_of_no_kind_has_no_status() -> None:
    with pytest.raises(UnmappedErrorError):
        status_of(DomainError)


def test_refusals_that_share_a_code_mean_the_same_to_a_client() -> None:
    meanings: dict[str, set[tuple[int, bool | None]]] = defaultdict(set)
    for error in REFUSALS:
        meanings[error.code].add((status_of(error), error.terminal))

    assert {code: meant for code, meant in meanings.items() if len(meant) > 1} == {}


def test_only_refused_tokens_are_terminal_or_not() -> None:
    told = {error for error in REFUSALS if error.terminal is not None}

    assert {status_of(error) for error in told} == {401}
