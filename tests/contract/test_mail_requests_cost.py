"""What names an address and brings a mail runs the same statements, whoever has the address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.modules.auth.application.commands.request_password_reset import (
    RequestPasswordReset,
    RequestPasswordResetHandler,
)
from app.modules.auth.application.commands.resend_verification import (
    ResendVerification,
    ResendVerificationHandler,
)
from app.modules.auth.application.throttling import MailThrottle
from app.modules.auth.domain.account import AccountStatus
from app.modules.auth.domain.policies import MailPolicy
from app.modules.auth.testing.tokens import FakeMailedTokens
from app.shared.infrastructure.statements import AsyncpgReader, Statements
from tests.contract.auth_worlds import AuthWorld, auth_on_postgres
from tests.factories import START, AccountFactory, RegisterAccountFactory
from tests.rotation.driver import POLICY


@pytest.fixture
async def auth(
    engine: AsyncEngine, statements: Statements, reader: AsyncpgReader, tmp_path: Path
) -> AuthWorld:
    return auth_on_postgres(engine, statements, reader, tmp_path, POLICY)


@contextmanager
def executed(engine: AsyncEngine) -> Iterator[list[str]]:
    """The statements of units of work: the verb and the table of each."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found = re.search(r"(SELECT|INSERT|UPDATE|DELETE)\b.*?(\w+\.\w+)", statement, re.DOTALL)
        seen.append(f"{found[1]} {found[2]}" if found else statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


@pytest.mark.parametrize("what", ["reset", "verification"])
async def test_known_unknown_and_repeated_requests_run_the_same_statements(
    auth: AuthWorld, engine: AsyncEngine, what: str
) -> None:
    unverified = AccountFactory.build()
    verified = AccountFactory.build(email_verified_at=START)
    await auth.put([unverified, verified], [])
    shared = (
        auth.uow,
        FakeMailedTokens(),
        MailPolicy(max_per_hour=2),
        MailThrottle(auth.throttle, auth.throttle_policy),
    )
    runs = []

    for email in (
        "nobody@example.com",
        # The first finds no link, the second voids one, the third is one too many.
        *3 * [unverified.email.display],
        *3 * [verified.email.display],
    ):
        with executed(engine) as statements:
            if what == "reset":
                await RequestPasswordResetHandler(*shared)(RequestPasswordReset(email))
            else:
                await ResendVerificationHandler(*shared)(ResendVerification(email))
        runs.append(statements)

    assert len(runs[0]) >= 5
    assert all(run == runs[0] for run in runs), runs


async def test_registering_a_new_or_a_known_address_runs_the_same_statements(
    auth: AuthWorld, engine: AsyncEngine
) -> None:
    unverified = AccountFactory.build()
    verified = AccountFactory.build(email_verified_at=START)
    disabled = AccountFactory.build(status=AccountStatus.DISABLED)
    await auth.put([unverified, verified, disabled], [])
    runs = []

    for email in (
        "nobody@example.com",
        "nobody.else@example.com",
        *3 * [unverified.email.display],
        *3 * [verified.email.display],
        disabled.email.display,
    ):
        with executed(engine) as statements:
            await auth.register(RegisterAccountFactory.build(email=email))
        runs.append(statements)

    assert runs[0][0] == "INSERT auth.account"
    assert all(run == runs[0] for run in runs), runs
