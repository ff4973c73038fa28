"""Routes get what the containers built, and an application that lacks something refuses to boot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Protocol, runtime_checkable

import pytest
from fastapi import APIRouter, Depends

from app.shared.api.caller import Caller
from app.shared.api.inject import Inject, UnprovidedError, check_injections
from app.shared.api.strict_json import module_router
from app.shared.application.principal import Authenticator
from tests.unit.api.small_app import ask, small_app


@dataclass(frozen=True)
class GreetHandler:
    greeting: str

    async def __call__(self, name: str) -> str:
        return f"{self.greeting}, {name}"


@runtime_checkable
class Counting(Protocol):
    def count(self) -> int: ...


class Seven(Counting):
    def count(self) -> int:
        return 7


async def _depth(counting: Inject[Counting]) -> int:
    return counting.count()


def _router() -> APIRouter:
    router = module_router("/greetings", ["greetings"])

    @router.get("/{name}")
    async def greet(
        name: str, handle: Inject[GreetHandler], depth: Annotated[int, Depends(_depth)]
    ) -> str:
        return f"{await handle(name)} {depth}"

    return router


async def test_a_route_gets_a_handler_and_a_protocol_by_type() -> None:
    app = small_app(_router())
    app.state.provided = {GreetHandler: GreetHandler("Hello"), Counting: Seven()}

    check_injections(app)
    answer = await ask(app, "GET", "/api/v1/greetings/Ada")

    assert answer.json() == "Hello, Ada 7"


async def test_two_applications_of_one_process_keep_their_own() -> None:
    first, second = small_app(_router()), small_app(_router())
    first.state.provided = {GreetHandler: GreetHandler("Hello"), Counting: Seven()}
    second.state.provided = {GreetHandler: GreetHandler("Bonjour"), Counting: Seven()}

    answers = [await ask(app, "GET", "/api/v1/greetings/Ada") for app in (first, second, first)]

    greetings = [answer.json() for answer in answers]
    assert greetings == ["Hello, Ada 7", "Bonjour, Ada 7", "Hello, Ada 7"]


def test_every_route_that_lacks_something_is_named_with_its_type() -> None:
    app = small_app(_router())

    with pytest.raises(UnprovidedError) as refusal:
        check_injections(app)

    assert str(refusal.value) == (
        "GET /api/v1/greetings/{name} asks for Counting; "
        "GET /api/v1/greetings/{name} asks for GreetHandler"
    )


def test_a_dependency_of_a_surrounding_router_is_checked_too() -> None:
    router = module_router("/things", ["things"])

    @router.get("")
    async def things() -> None: ...

    app = small_app()
    app.include_router(router, dependencies=[Depends(_depth)])

    with pytest.raises(UnprovidedError, match=r"^GET /things asks for Counting$"):
        check_injections(app)


def test_a_guarded_route_needs_an_authenticator() -> None:
    router = module_router("/mine", ["mine"])

    @router.get("")
    async def mine(caller: Caller) -> None: ...

    with pytest.raises(UnprovidedError, match=Authenticator.__qualname__):
        check_injections(small_app(router))
