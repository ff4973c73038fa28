"""An application whose routes ask less than its use cases want does not start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from fastapi import APIRouter

from app.shared.api.access import UnguardedRouteError, check_access
from app.shared.api.caller import BearerToken, Caller, FreshCaller
from app.shared.api.inject import Inject
from app.shared.api.strict_json import module_router
from app.shared.application.authorization import ANYONE, OPERATOR, Access, accounts, admins
from app.shared.application.composition import CompositionError
from app.shared.application.handler import handler
from app.shared.application.principal import Authenticator, Principal
from app.shared.testing import FakeAuthenticator, as_account
from tests.unit.api.small_app import ask, small_app


@dataclass(frozen=True, slots=True)
class Asked:
    caller: Principal


@handler
class Open:
    access: ClassVar[Access] = ANYONE

    async def __call__(self, message: object) -> None: ...


@handler
class Operate:
    access: ClassVar[Access] = OPERATOR

    async def __call__(self, message: object) -> None: ...


@handler
class Mine:
    access: ClassVar[Access] = accounts()

    async def __call__(self, message: Asked) -> None: ...


@handler
class Administrate:
    access: ClassVar[Access] = admins()

    async def __call__(self, message: Asked) -> None: ...


@handler
class Silent:
    """Does not say who may run it."""

    async def __call__(self, message: object) -> None: ...


class Known:
    """No use case, and provided all the same."""


def routed() -> APIRouter:
    return module_router("/things", ["things"])


def test_routes_that_ask_for_what_their_use_cases_want_are_fine() -> None:
    router = routed()

    @router.get("/open")
    async def _open(run: Inject[Open]) -> None: ...

    @router.get("/mine")
    async def _mine(caller: Caller, run: Inject[Mine]) -> None: ...

    @router.get("/freshly-mine")
    async def _freshly_mine(caller: FreshCaller, run: Inject[Mine]) -> None: ...

    @router.get("/administrate")
    async def _administrate(caller: FreshCaller, run: Inject[Administrate]) -> None: ...

    @router.get("/what-is-known")
    async def _what_is_known(known: Inject[Known]) -> None: ...

    check_access(small_app(router))


async def _to_the_operators(run: Inject[Operate]) -> None: ...


async def _without_a_caller(run: Inject[Mine]) -> None: ...


async def _with_a_mere_token(token: BearerToken, run: Inject[Mine]) -> None: ...


async def _without_a_fresh_caller(caller: Caller, run: Inject[Administrate]) -> None: ...


async def _with_one_that_is_open(
    caller: Caller, one: Inject[Open], other: Inject[Administrate]
) -> None: ...


async def _to_one_that_is_silent(caller: FreshCaller, run: Inject[Silent]) -> None: ...


@pytest.mark.parametrize(
    ("endpoint", "complaint"),
    [
        (_to_one_that_is_silent, "leads to Silent, which does not say who may run it"),
        (_to_the_operators, "leads to a use case that no route may lead to"),
        (_without_a_caller, "does not ask who calls"),
        (_with_a_mere_token, "does not ask who calls"),
        (_without_a_fresh_caller, "asks for a Caller where the use case wants a FreshCaller"),
        (_with_one_that_is_open, "asks for a Caller where the use case wants a FreshCaller"),
    ],
)
def test_a_route_that_asks_for_less_is_named(endpoint: Any, complaint: str) -> None:
    router = routed()
    router.get("/wrong")(endpoint)

    with pytest.raises(UnguardedRouteError) as refusal:
        check_access(small_app(router))

    assert str(refusal.value) == f"GET /api/v1/things/wrong: {complaint}"
    assert isinstance(refusal.value, CompositionError)


def test_every_route_that_asks_for_less_is_named() -> None:
    router = routed()
    router.get("/b")(_without_a_caller)
    router.get("/a")(_to_the_operators)

    with pytest.raises(UnguardedRouteError) as refusal:
        check_access(small_app(router))

    assert str(refusal.value).index("things/a") < str(refusal.value).index("things/b")


@pytest.mark.parametrize(
    ("caller", "status"),
    [
        (as_account(roles=frozenset({"admin"})), 200),
        (as_account(roles=frozenset({"user"})), 403),
        (None, 401),
    ],
)
async def test_who_may_not_is_answered_403_and_who_is_nobody_401(
    caller: Principal | None, status: int
) -> None:
    router = routed()

    @router.get("/administrate")
    async def administrate(caller: FreshCaller, run: Inject[Administrate]) -> None:
        await run(Asked(caller))

    app, authenticator = small_app(router), FakeAuthenticator()
    app.state.provided = {Authenticator: authenticator, Administrate: Administrate()}
    headers = {"Authorization": f"Bearer {authenticator.token_of(caller)}"} if caller else {}

    answer = await ask(app, "GET", "/api/v1/things/administrate", headers=headers)

    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "forbidden"
