"""The policy of a use case is asked before anything of it happens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import pytest

from app.shared.application.authorization import (
    ANYONE,
    OPERATOR,
    Access,
    AccessForbiddenError,
    StaleCallerError,
    accounts,
    admins,
)
from app.shared.application.handler import handler
from app.shared.application.principal import Principal
from app.shared.domain.errors import DomainError, ForbiddenError
from app.shared.testing import as_account

USER = as_account()
ADMIN = as_account(roles=frozenset({"admin", "user"}))


def key(caller: Principal, *scopes: str) -> Principal:
    """The caller by an API key that is good for these."""
    return replace(caller, session_id=None, scopes=frozenset(scopes))


def stale(caller: Principal) -> Principal:
    return replace(caller, fresh=False)


@pytest.mark.parametrize(
    ("access", "caller"),
    [
        (accounts(), USER),
        (accounts(), ADMIN),
        (accounts(), stale(USER)),
        (accounts(scope="profile:read"), USER),
        (accounts(scope="profile:read"), key(USER, "profile:read")),
        (accounts(scope="profile:read"), key(USER, "profile:write", "profile:read")),
        (accounts(fresh=True), USER),
        (admins(), ADMIN),
        (admins(scope="users:read"), ADMIN),
        (admins(scope="users:read"), key(ADMIN, "users:read")),
    ],
)
def test_whoever_may_is_not_refused(access: Access, caller: Principal) -> None:
    access.refuse(caller)


@pytest.mark.parametrize(
    ("access", "caller"),
    [
        (admins(), USER),
        (admins(), as_account(roles=frozenset())),
        (admins(), as_account(roles=frozenset({"administrator", "Admin"}))),
        (admins(scope="users:read"), USER),
        (admins(scope="users:read"), key(USER, "users:read")),
        (admins(scope="users:read"), key(ADMIN, "users:write")),
        (admins(), key(ADMIN, "users:read")),
        (admins(), key(ADMIN)),
        (accounts(), key(USER)),
        (accounts(), key(USER, "profile:read")),
        (accounts(scope="profile:read"), key(USER)),
        (accounts(scope="profile:read"), key(USER, "profile:write")),
        (accounts(scope="profile:read"), key(ADMIN, "profile:rea", "profile:read2")),
    ],
)
def test_whoever_may_not_is_refused(access: Access, caller: Principal) -> None:
    with pytest.raises(AccessForbiddenError):
        access.refuse(caller)


@pytest.mark.parametrize("access", [accounts(fresh=True), admins()])
def test_a_caller_from_memory_where_a_fresh_one_is_asked_for_is_a_defect(access: Access) -> None:
    with pytest.raises(StaleCallerError):
        access.refuse(stale(ADMIN))

    assert not issubclass(StaleCallerError, DomainError)


def test_a_refusal_is_a_403_and_tells_nothing_of_what_was_lacking() -> None:
    assert issubclass(AccessForbiddenError, ForbiddenError)
    with pytest.raises(AccessForbiddenError) as by_role:
        admins().refuse(USER)
    with pytest.raises(AccessForbiddenError) as by_scope:
        accounts(scope="profile:read").refuse(key(USER))

    assert by_role.value.code == by_scope.value.code == "forbidden"
    assert by_role.value.detail == by_scope.value.detail


@dataclass(frozen=True, slots=True)
class Told:
    caller: Principal


@handler
class Administrate:
    access: ClassVar[Access] = admins()

    done: list[Told] = field(default_factory=list)

    async def __call__(self, message: Told) -> int:
        self.done.append(message)
        return len(self.done)


async def test_a_handler_whose_policy_refuses_does_nothing() -> None:
    administrate = Administrate()

    with pytest.raises(AccessForbiddenError):
        await administrate(Told(USER))
    with pytest.raises(StaleCallerError):
        await administrate(Told(stale(ADMIN)))

    assert administrate.done == []


async def test_a_handler_whose_policy_admits_runs_once() -> None:
    administrate = Administrate()

    assert await administrate(Told(ADMIN)) == 1


@pytest.mark.parametrize("policy", [ANYONE, OPERATOR])
async def test_where_nobody_has_to_be_known_nobody_is_asked_for(policy: Access) -> None:
    @handler
    class Greet:
        access: ClassVar[Access] = policy

        async def __call__(self, name: str) -> str:
            return f"Hello {name}"

    assert await Greet()("Ada") == "Hello Ada"


async def test_a_handler_that_forgot_its_policy_is_not_refused_but_found() -> None:
    """Reactions have none: what happened is not forbidden. Of commands and queries the
    architecture tests want one."""

    @handler
    class Greet:
        async def __call__(self, name: str) -> str:
            return f"Hello {name}"

    assert await Greet()("Ada") == "Hello Ada"
