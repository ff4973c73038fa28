"""Collaborators come by the names of a handler's fields, or nothing starts."""

from __future__ import annotations

import pytest
from dependency_injector.providers import Object

from app.shared.application.handler import handler
from app.shared.infrastructure.use_case import UnwiredUseCaseError, use_case


@handler
class Greet:
    greeting: str
    name: str
    mark: str = "!"

    async def __call__(self, message: object) -> str:
        del message
        return f"{self.greeting} {self.name}{self.mark}"


async def test_a_use_case_gets_what_it_names_and_nothing_else() -> None:
    ports = {"name": Object("Ada"), "greeting": Object("Hello"), "unasked": Object("x")}

    greet = use_case(Greet, ports)()

    assert await greet(None) == "Hello Ada!"


def test_a_use_case_without_a_port_is_refused_by_name() -> None:
    with pytest.raises(UnwiredUseCaseError, match="Greet asks for greeting"):
        use_case(Greet, {"name": Object("Ada")})
