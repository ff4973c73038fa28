"""Versions as entity tags."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, FastAPI

from app.shared.api.etag import IfMatch, etag
from app.shared.api.strict_json import module_router
from app.shared.domain.errors import StaleError
from tests.unit.api.small_app import ask, small_app


class ThingChangedError(StaleError):
    """Somebody else changed it."""

    code = "thing_changed"
    detail = "The thing has changed."


def _app(version: int = 3) -> FastAPI:
    router: APIRouter = module_router("/thing", ["thing"])

    @router.patch("")
    async def change(versions: IfMatch) -> str:
        if versions is not None and version not in versions:
            raise ThingChangedError
        return "changed"

    return small_app(router)


@pytest.mark.parametrize("header", [etag(3), '"1", "3"', '"1","3",', "*", ' "3" ', '"a,b", "3"'])
async def test_a_change_of_the_present_version_is_admitted(header: str) -> None:
    answer = await ask(_app(), "PATCH", "/api/v1/thing", headers={"If-Match": header})

    assert answer.json() == "changed"


@pytest.mark.parametrize("header", ['"2"', 'W/"3"', '"03"', '"+3"', '"x"', '""', f'"{"3" * 500}"'])
async def test_a_change_of_any_other_version_is_stale(header: str) -> None:
    answer = await ask(_app(), "PATCH", "/api/v1/thing", headers={"If-Match": header})

    assert (answer.status_code, answer.json()["code"]) == (412, "thing_changed")


@pytest.mark.parametrize("header", ["3", "", '"3', '"3" "', "*, *", '"1" 3 "2"', "," + " ," * 4000])
async def test_a_header_that_is_no_list_of_tags_is_refused(header: str) -> None:
    answer = await ask(_app(), "PATCH", "/api/v1/thing", headers={"If-Match": header})

    assert (answer.status_code, answer.json()["code"]) == (400, "precondition_malformed")


async def test_several_headers_are_one_list() -> None:
    twice = [("If-Match", '"1"'), ("If-Match", '"3"')]

    answer = await ask(_app(), "PATCH", "/api/v1/thing", headers=twice)

    assert answer.status_code == 200


async def test_a_change_has_to_say_what_it_was_decided_on() -> None:
    answer = await ask(_app(), "PATCH", "/api/v1/thing")

    assert (answer.status_code, answer.json()["code"]) == (428, "precondition_required")
