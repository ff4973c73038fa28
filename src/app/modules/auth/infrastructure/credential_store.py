"""Stored passwords, each access one statement."""

from __future__ import annotations

from app.modules.auth.application.ports import Credentials, CredentialStore
from app.shared.infrastructure.statements import Statements

_READ = """
select id, password_hash, auth_epoch, roles, status = 'active' as active
from auth.account
where email_key = $1
"""

_REHASH = """
update auth.account
set password_hash = $4
where id = $1 and password_hash = $2 and auth_epoch = $3
"""


class AsyncpgCredentialStore(CredentialStore):
    """One round trip each, without a unit of work."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def of(self, email_key: str) -> Credentials | None:
        row = await self._statements.row(_READ, email_key)
        if row is None:
            return None
        return Credentials(
            account_id=row["id"],
            password_hash=row["password_hash"],
            epoch=row["auth_epoch"],
            roles=frozenset(row["roles"]),
            active=row["active"],
        )

    async def rehash(self, credentials: Credentials, password_hash: str) -> None:
        await self._statements.row(
            _REHASH,
            credentials.account_id,
            credentials.password_hash,
            credentials.epoch,
            password_hash,
        )
