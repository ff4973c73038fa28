"""What is one statement in the product, on the tables in memory."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.modules.auth.application.ports import (
    AccessClaims,
    Credentials,
    CredentialStore,
    Evidence,
    RevocationCheck,
    SessionStore,
)
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.errors import AccountDisabledError, SessionRevokedError
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import SessionGrant
from app.shared.application.clock import Clock
from app.shared.testing.unit_of_work import InMemoryTable


class InMemorySessionStore(SessionStore):
    """Rows 0 and 1 as the aggregate decides them."""

    def __init__(
        self,
        accounts: InMemoryTable[Account],
        sessions: InMemoryTable[Session],
        revoked: list[Revocation],
        policy: RefreshPolicy,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._revoked = revoked
        self._policy = policy
        self._clock = clock

    async def open(self, session: Session) -> None:
        mine = [other for other in self._sessions if other.account_id == session.account_id]
        mine.sort(key=self._last_to_leave, reverse=True)
        for idle in mine[self._policy.max_sessions - 1 :]:
            del self._sessions.rows[idle.id]
            self._revoked.append(Revocation(account_id=idle.account_id, session_id=idle.id))
        self._sessions.put(session)

    async def advance(self, session_id: UUID, generation: int, kid: str) -> SessionGrant | None:
        async with self._sessions.lock(session_id):
            session = self._sessions.rows.get(session_id)
            if session is None or session.generation != generation:
                return None
            account = self._accounts.rows.get(session.account_id)
            now = self._clock.now()
            refusal = session.present(
                generation,
                account=account,
                kid=kid,
                policy=self._policy,
                begun_at=now,
                now=now,
            )
            if refusal or account is None:
                return None
            return session.grant(frozenset(account.roles))

    def _last_to_leave(self, session: Session) -> tuple[bool, datetime]:
        alive = session.revoked_at is None and session.idle_expires_at > self._clock.now()
        return alive, session.rotated_at


class InMemoryCredentialStore(CredentialStore):
    def __init__(self, accounts: InMemoryTable[Account]) -> None:
        self._accounts = accounts

    async def of(self, email_key: str) -> Credentials | None:
        for account in self._accounts:
            if account.email.key == email_key:
                return Credentials(
                    account_id=account.id,
                    password_hash=account.password_hash,
                    epoch=account.auth_epoch,
                    roles=frozenset(account.roles),
                    active=account.is_active,
                )
        return None

    async def rehash(self, credentials: Credentials, password_hash: str) -> None:
        account = self._accounts.rows.get(credentials.account_id)
        if account is None:
            return
        read = (credentials.password_hash, credentials.epoch)
        if (account.password_hash, account.auth_epoch) == read:
            account.password_hash = password_hash


class InMemoryEvidence(Evidence):
    def __init__(self) -> None:
        self._seen: dict[UUID, int] = {}

    def note(self, session_id: UUID, generation: int) -> None:
        self._seen[session_id] = max(generation, self.latest(session_id))

    def latest(self, session_id: UUID) -> int:
        return self._seen.get(session_id, 0)


class InMemoryRevocationCheck(RevocationCheck):
    """Asks the session itself, each time."""

    def __init__(self, accounts: InMemoryTable[Account], sessions: InMemoryTable[Session]) -> None:
        self._accounts = accounts
        self._sessions = sessions

    async def refuse_revoked(self, claims: AccessClaims) -> None:
        session = self._sessions.rows.get(claims.session_id)
        account = self._accounts.rows.get(claims.account_id)
        if session is None or account is None or session.revoked_at is not None:
            raise SessionRevokedError
        if session.epoch != account.auth_epoch:
            raise SessionRevokedError
        if not account.is_active:
            raise AccountDisabledError
