"""Most routes are found at once, whatever stands before them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from app.shared.api.shortcut import Shortcut


class Milestone(BaseRoute):
    """Counts who comes by."""

    def __init__(self) -> None:
        self.passed: list[str] = []

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        self.passed.append(scope["path"])
        return Match.NONE, {}


@pytest.fixture
def milestone() -> Milestone:
    return Milestone()


@pytest.fixture
def app(milestone: Milestone) -> FastAPI:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.router.routes += [Shortcut(app), milestone]

    @app.get("/things/{name}")
    async def thing(name: str) -> dict[str, str]:
        return {"name": name}

    @app.get("/things")
    async def things() -> dict[str, str]:
        return {"all": "things"}

    @app.post("/things")
    async def add() -> dict[str, str]:
        return {"added": "thing"}

    return app


async def ask(app: FastAPI, method: str, path: str, **scope: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app, **scope)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, path)


@pytest.mark.parametrize(
    ("method", "answer"), [("GET", {"all": "things"}), ("POST", {"added": "thing"})]
)
async def test_a_whole_path_is_found_without_passing_anything(
    app: FastAPI, milestone: Milestone, method: str, answer: dict[str, str]
) -> None:
    found = await ask(app, method, "/things")

    assert found.json() == answer
    assert milestone.passed == []


async def test_a_path_with_a_parameter_goes_its_ordinary_way(
    app: FastAPI, milestone: Milestone
) -> None:
    assert (await ask(app, "GET", "/things/one")).json() == {"name": "one"}
    assert milestone.passed == ["/things/one"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("DELETE", "/things", 405), ("GET", "/nothing", 404), ("GET", "/things/", 404)],
)
async def test_what_is_not_there_is_refused_as_ever(
    app: FastAPI, method: str, path: str, status: int
) -> None:
    assert (await ask(app, method, path)).status_code == status


async def test_a_route_that_was_added_later_is_found_as_well(
    app: FastAPI, milestone: Milestone
) -> None:
    await ask(app, "GET", "/things")

    @app.get("/later")
    async def later() -> dict[str, bool]:
        return {"later": True}

    assert (await ask(app, "GET", "/later")).json() == {"later": True}
    assert milestone.passed == []


async def test_a_prefix_of_a_proxy_is_no_part_of_the_path(
    app: FastAPI, milestone: Milestone
) -> None:
    found = await ask(app, "GET", "/prefix/things", root_path="/prefix")

    assert found.json() == {"all": "things"}
    assert milestone.passed == []
