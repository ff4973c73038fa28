"""Ending sessions inside a unit of work: the end, its revocation, and what the owner sees of it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import Device, RevocationReason


async def living(uow: AuthUnitOfWork, account_id: UUID) -> list[Session]:
    """The account's sessions that are not over yet, locked."""
    sessions = await uow.sessions.locked_of(account_id)
    account, now = await uow.accounts.by_id(account_id), await uow.now()
    return [
        session
        for session in sessions
        if account
        and session.epoch == account.auth_epoch
        and now < min(session.idle_expires_at, session.absolute_expires_at)
    ]


async def end(
    uow: AuthUnitOfWork,
    sessions: Sequence[Session],
    reason: RevocationReason,
    *,
    device: Device | None = None,
    shown_as: ActivityKind = ActivityKind.SESSION_REVOKED,
) -> None:
    """Their access tokens are void as soon as this is committed. `device` is the owner's, where
    the owner asked for it."""
    now = await uow.now()
    for session in sessions:
        session.revoke(reason, now)
        uow.revocations.add(Revocation(account_id=session.account_id, session_id=session.id))
        uow.activity.add(Activity.of(session.account_id, shown_as, device, session.id))
