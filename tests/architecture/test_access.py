"""Every use case says who may run it, and every route leads to one that does."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, get_type_hints

import pytest
from fastapi import FastAPI

from app.shared.api.access import accesses_of
from app.shared.api.inject import Provided
from app.shared.api.route_tree import operations
from app.shared.application.authorization import ANYONE, OPERATOR, Access, accounts
from app.shared.application.handler import handler
from app.shared.application.principal import Principal
from app.shared.process import Process
from tests.architecture.product import bounded_contexts, use_cases
from tests.architecture.test_routes import PROBES, PUBLIC

WITHOUT_A_USE_CASE = {*PROBES, "GET /.well-known/jwks.json"}
"""What belongs to the process rather than to anybody: its health, and its public keys."""

TOLD_OR_ASKED = [
    case
    for context in bounded_contexts()
    for case in use_cases(context)
    if ".reactions." not in case.__module__
]


def policy_of(case: Any) -> Access | None:
    found = getattr(case, "access", None)
    return found if isinstance(found, Access) else None


def message_of(case: Any) -> Any:
    """The type of what the handler is called with."""
    (first, *_) = list(inspect.signature(case.__call__).parameters)[1:]
    return get_type_hints(inspect.unwrap(case.__call__))[first]


def blind(case: Any) -> bool:
    """Whether it wants to know who calls and has no place for the answer."""
    access = policy_of(case)
    identified = access is not None and access.identified
    return identified and get_type_hints(message_of(case)).get("caller") is not Principal


@pytest.mark.parametrize("case", TOLD_OR_ASKED, ids=lambda case: case.__name__)
def test_every_command_and_every_query_says_who_may_run_it(case: Any) -> None:
    assert policy_of(case) is not None


@pytest.mark.parametrize("case", TOLD_OR_ASKED, ids=lambda case: case.__name__)
def test_what_wants_to_know_who_calls_is_told_so(case: Any) -> None:
    assert not blind(case)


def test_a_use_case_without_a_policy_or_without_a_caller_is_found() -> None:
    @handler
    class Forgotten:
        async def __call__(self, message: Principal) -> None: ...

    @handler
    class Blind:
        access: ClassVar[Access] = accounts()

        async def __call__(self, message: Principal) -> None: ...

    assert policy_of(Forgotten) is None
    assert blind(Blind)


def test_no_reaction_has_a_policy() -> None:
    """What happened is not forbidden, and nobody calls."""
    reactions = [
        case
        for context in bounded_contexts()
        for case in use_cases(context)
        if ".reactions." in case.__module__
    ]

    assert [case.__name__ for case in reactions if policy_of(case)] == []


def test_every_route_of_a_module_leads_to_a_use_case_with_a_policy(product: FastAPI) -> None:
    without = {str(one) for one in operations(product) if not list(accesses_of(one))}

    assert without == WITHOUT_A_USE_CASE


def test_every_public_route_leads_to_what_anyone_may_do(product: FastAPI) -> None:
    public = [one for one in operations(product) if str(one) in PUBLIC - WITHOUT_A_USE_CASE]

    assert public
    for operation in public:
        assert set(accesses_of(operation)) == {ANYONE}, operation


def test_every_use_case_that_may_be_routed_is(product: FastAPI) -> None:
    """Or it waits for a route that nobody meant to write."""
    routed = {
        dependency.call.wanted
        for operation in operations(product)
        for dependency in operation.dependencies()
        if isinstance(dependency.call, Provided)
    }

    unrouted = [case for case in TOLD_OR_ASKED if case not in routed]

    assert {policy_of(case) for case in unrouted} == {OPERATOR}


def test_what_an_api_key_can_be_good_for_is_known(process: Process) -> None:
    named = {policy.scope for case in TOLD_OR_ASKED if (policy := policy_of(case))} - {None}

    assert process.kernel.scopes().known == named
    assert {"profile:read", "profile:write", "users:read"} <= named
