"""Stored passwords, each access one statement."""

from __future__ import annotations

from uuid import UUID

from app.modules.auth.application.credentials import Credentials, CredentialStore
from app.shared.application.reader import Row
from app.shared.infrastructure.statements import Statements

_READ = """
select a.id, a.email_key, a.password_hash, a.auth_epoch, a.roles, a.status = 'active' as active,
       a.email_verified_at is not null as verified, s.id as session_id
from auth.account as a left join auth.session as s on s.id = $2::uuid and s.account_id = a.id
"""
_READ_BY_ADDRESS = f"{_READ} where a.email_key = $1"
_READ_BY_ID = f"{_READ} where a.id = $1"

_REHASH = """
update auth.account
set password_hash = $4
where id = $1 and password_hash = $2 and auth_epoch = $3
"""


class AsyncpgCredentialStore(CredentialStore):
    """One round trip each, without a unit of work."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def of(self, email_key: str, *, session_id: UUID | None = None) -> Credentials | None:
        return _credentials(await self._statements.row(_READ_BY_ADDRESS, email_key, session_id))

    async def of_account(self, account_id: UUID) -> Credentials | None:
        return _credentials(await self._statements.row(_READ_BY_ID, account_id, None))

    async def rehash(self, credentials: Credentials, password_hash: str) -> None:
        await self._statements.row(
            _REHASH,
            credentials.account_id,
            credentials.password_hash,
            credentials.epoch,
            password_hash,
        )


def _credentials(row: Row | None) -> Credentials | None:
    if row is None:
        return None
    return Credentials(
        account_id=row["id"],
        email_key=row["email_key"],
        password_hash=row["password_hash"],
        epoch=row["auth_epoch"],
        roles=frozenset(row["roles"]),
        active=row["active"],
        verified=row["verified"],
        session_id=row["session_id"],
    )
