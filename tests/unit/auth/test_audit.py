"""Every authentication event leaves a line in the log: who, what and the outcome."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.modules.auth import application
from app.modules.auth.application.audit import DONE, SecurityEvent, log_event
from app.modules.auth.application.commands.log_in import LogInHandler
from app.modules.auth.application.commands.log_out import LogOut, LogOutHandler
from app.modules.auth.application.commands.register_account import RegisterAccountHandler
from app.modules.auth.application.commands.rotate_refresh_token import (
    RotateRefreshToken,
    RotateRefreshTokenHandler,
)
from app.modules.auth.domain import errors
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.errors import (
    InvalidCredentialsError,
    TokenError,
    TokenExpiredError,
    TokenReusedError,
)
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.session import Session
from app.modules.auth.testing import InMemoryAuth
from tests.factories import (
    PASSWORD,
    AccountFactory,
    LogInFactory,
    RegisterAccountFactory,
    SessionFactory,
)


def token_refusals() -> list[type[TokenError]]:
    """An access token alone expires by itself."""
    return [kind for kind in TokenError.__subclasses__() if kind is not TokenExpiredError]


def logged(lines: list[Any]) -> list[dict[str, Any]]:
    """What was logged, all of it on the list."""
    found = [
        {name: value for name, value in line.items() if name != "event"}
        for line in lines
        if line["event"] == "authentication"
    ]
    for line in found:
        assert line["outcome"] in listed(line["what"])
    return found


def listed(what: str) -> tuple[str, ...]:
    """The outcomes of an event by its name in the log."""
    (event,) = (each for each in SecurityEvent if each.what == what)
    return event.outcomes


def entry(what: str, outcome: str, *who: Account | Session, level: str = "info") -> dict[str, Any]:
    names = {Account: "account_id", Session: "session_id"}
    ids = {names[type(each)]: str(each.id) for each in who}
    return {"what": what, "outcome": outcome, "log_level": level, **ids}


def log_in(auth: InMemoryAuth) -> LogInHandler:
    return LogInHandler(
        auth.passwords,
        auth.login_requirements,
        auth.credentials,
        auth.session_store,
        auth.hasher,
        auth.refresh_tokens,
        auth.pairs,
        auth.refresh_policy,
        auth.clock,
    )


def rotate(auth: InMemoryAuth) -> RotateRefreshTokenHandler:
    return RotateRefreshTokenHandler(
        auth.uow,
        auth.session_store,
        auth.evidence,
        auth.refresh_tokens,
        auth.pairs,
        auth.refresh_policy,
        auth.clock,
    )


async def test_a_registration_and_its_repetition_are_logged() -> None:
    auth = InMemoryAuth()
    register = RegisterAccountHandler(
        auth.uow,
        auth.hasher,
        auth.password_policy,
        auth.clock,
    )

    with capture_logs() as lines:
        await register(RegisterAccountFactory.build(email="ada@example.com"))
        await register(RegisterAccountFactory.build(email="ada@example.com"))

    (account,) = auth.accounts
    assert logged(lines) == [
        entry("register", "done", account),
        entry("register", "repeated", account),
    ]
    assert "ada" not in str(lines)


async def test_a_login_is_logged_and_so_is_its_refusal() -> None:
    auth = InMemoryAuth()
    known = auth.accounts.put(AccountFactory.build())

    with capture_logs() as lines:
        await log_in(auth)(LogInFactory.build(email=known.email.display))
        for email in (known.email.display, "nobody@example.com"):
            with pytest.raises(InvalidCredentialsError):
                await log_in(auth)(LogInFactory.build(email=email, password="a wrong password"))

    (session,) = auth.sessions
    assert logged(lines) == [
        entry("login", "done", known, session),
        entry("login", "invalid_credentials", known),
        entry("login", "invalid_credentials"),
    ]
    assert PASSWORD not in str(lines)


async def test_a_session_that_makes_room_for_a_login_is_logged() -> None:
    auth = InMemoryAuth(RefreshPolicy(max_sessions=1))
    account = auth.accounts.put(AccountFactory.build())
    idlest = auth.sessions.put(SessionFactory.build(account_id=account.id))

    with capture_logs() as lines:
        await log_in(auth)(LogInFactory.build(email=account.email.display))

    (session,) = auth.sessions
    assert logged(lines) == [
        entry("revoke_session", "cap", account, idlest),
        entry("login", "done", account, session),
    ]


async def test_reuse_is_logged_for_a_person_to_look_at() -> None:
    auth = InMemoryAuth()
    account = auth.accounts.put(AccountFactory.build())
    session = auth.sessions.put(SessionFactory.build(account_id=account.id))
    first = RotateRefreshToken(auth.refresh_tokens.mint(session.id, 1, session.kid))

    with capture_logs() as lines:
        await rotate(auth)(first)
        auth.evidence.note(session.id, 2)
        auth.clock.advance(60)
        with pytest.raises(TokenReusedError):
            await rotate(auth)(first)

    assert logged(lines) == [
        entry("refresh", "done", account, session),
        entry("refresh", "token_reused", account, session, level="warning"),
    ]


async def test_a_logout_is_logged_once() -> None:
    auth = InMemoryAuth()
    account = auth.accounts.put(AccountFactory.build())
    session = auth.sessions.put(SessionFactory.build(account_id=account.id))
    log_out = LogOutHandler(auth.uow, auth.refresh_tokens, auth.access_tokens)
    message = LogOut(refresh_token=auth.refresh_tokens.mint(session.id, 1, session.kid))

    with capture_logs() as lines:
        await log_out(message)
        await log_out(message)

    assert logged(lines) == [entry("logout", "done", account, session)]


CALLS = [
    (path.name, call)
    for path in sorted(Path(application.__file__).parent.rglob("*.py"))
    for call in ast.walk(ast.parse(path.read_text()))
    if isinstance(call, ast.Call)
    and isinstance(call.func, ast.Name)
    and call.func.id == "log_event"
]


def stated_outcome(call: ast.Call) -> str | None:
    """What stands in the code; None where it is decided when it happens."""
    if len(call.args) < 2:
        return DONE
    match call.args[1]:
        case ast.Constant(value=str(outcome)):
            return outcome
        case ast.Attribute(value=ast.Name(id=name), attr="code") if hasattr(errors, name):
            code: str = getattr(errors, name).code
            return code
        case _:
            return None


def test_what_is_logged_is_on_the_list() -> None:
    unlisted = []
    for name, call in CALLS:
        event = call.args[0]
        if isinstance(event, ast.Name):
            continue
        assert isinstance(event, ast.Attribute), name
        outcome = stated_outcome(call)
        if outcome is not None and outcome not in SecurityEvent[event.attr].outcomes:
            unlisted.append((name, event.attr, outcome))

    assert len(CALLS) > 20
    assert unlisted == []


def test_every_event_on_the_list_is_logged_somewhere() -> None:
    code = "".join(
        path.read_text()
        for path in Path(application.__file__).parent.rglob("*.py")
        if path.name != "audit.py"
    )

    assert [each.name for each in SecurityEvent if f"SecurityEvent.{each.name}" not in code] == []


@pytest.mark.parametrize("refusal", token_refusals(), ids=lambda refusal: refusal.code)
def test_every_refusal_of_a_refresh_is_on_the_list(refusal: type[TokenError]) -> None:
    assert refusal.code in SecurityEvent.REFRESH.outcomes


async def test_an_outcome_that_is_an_alert_is_a_warning() -> None:
    with capture_logs() as lines:
        log_event(SecurityEvent.REFRESH, TokenReusedError.code)
        log_event(SecurityEvent.REFRESH)

    assert logged(lines) == [
        entry("refresh", "token_reused", level="warning"),
        entry("refresh", "done"),
    ]
