"""What is one statement in the product, on the tables in memory."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.modules.auth.application.credentials import Credentials, CredentialStore
from app.modules.auth.application.ports import (
    AccessClaims,
    Evidence,
    RevocationCheck,
    SessionStore,
)
from app.modules.auth.application.throttling import Reservation, Throttle
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.errors import AccountDisabledError, SessionRevokedError
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import Device, RevocationReason, SessionGrant
from app.shared.application.clock import Clock
from app.shared.testing.unit_of_work import InMemoryTable


class InMemorySessionStore(SessionStore):
    """Rows 0 and 1 as the aggregate decides them."""

    def __init__(
        self,
        accounts: InMemoryTable[Account],
        sessions: InMemoryTable[Session],
        revoked: list[Revocation],
        activity: list[Activity],
        throttle: Throttle,
        policy: RefreshPolicy,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._revoked = revoked
        self._activity = activity
        self._throttle = throttle
        self._policy = policy
        self._clock = clock

    async def open(self, session: Session, *, settles: tuple[Reservation, ...] = ()) -> list[UUID]:
        if session.account_id not in self._accounts.rows:
            raise AccountDisabledError
        await self._throttle.succeeded(settles)
        mine = [other for other in self._sessions if other.account_id == session.account_id]
        mine.sort(key=self._last_to_leave, reverse=True)
        device = Device(user_agent=session.user_agent, ip=session.ip)
        left = []
        for idle in mine[self._policy.max_sessions - 1 :]:
            del self._sessions.rows[idle.id]
            self._revoked.append(Revocation(account_id=idle.account_id, session_id=idle.id))
            if self._is_alive(idle) and idle.epoch == session.epoch:
                left.append(idle.id)
                self._activity.append(
                    Activity.of(idle.account_id, ActivityKind.SESSION_REVOKED, device, idle.id)
                )
        self._sessions.put(session)
        self._activity.append(
            Activity.of(session.account_id, ActivityKind.LOGIN, device, session.id)
        )
        return left

    async def end_before(self, moment: datetime) -> int:
        begun = [each for each in self._sessions if each.created_at < moment]
        living = [each for each in begun if each.revoked_at is None]
        for session in living:
            session.revoke(RevocationReason.OPERATOR, self._clock.now())
            self._revoked.append(Revocation(account_id=session.account_id, session_id=session.id))
            self._activity.append(
                Activity.of(session.account_id, ActivityKind.SESSION_REVOKED, session_id=session.id)
            )
        return len(living)

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
        return self._is_alive(session), session.rotated_at

    def _is_alive(self, session: Session) -> bool:
        return session.revoked_at is None and session.idle_expires_at > self._clock.now()


class InMemoryCredentialStore(CredentialStore):
    def __init__(self, accounts: InMemoryTable[Account], sessions: InMemoryTable[Session]) -> None:
        self._accounts = accounts
        self._sessions = sessions

    async def of(self, email_key: str, *, session_id: UUID | None = None) -> Credentials | None:
        for account in self._accounts:
            if account.email.key == email_key:
                return self._credentials(account, session_id)
        return None

    async def of_account(self, account_id: UUID) -> Credentials | None:
        account = self._accounts.rows.get(account_id)
        return self._credentials(account) if account else None

    def _credentials(self, account: Account, session_id: UUID | None = None) -> Credentials:
        session = self._sessions.rows.get(session_id) if session_id else None
        return Credentials(
            account_id=account.id,
            email_key=account.email.key,
            password_hash=account.password_hash,
            epoch=account.auth_epoch,
            roles=frozenset(account.roles),
            active=account.is_active,
            verified=account.is_verified,
            session_id=session_id if session and session.account_id == account.id else None,
        )

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

    async def living_roles(self, claims: AccessClaims, *, fresh: bool = False) -> frozenset[str]:
        del fresh
        session = self._sessions.rows.get(claims.session_id)
        account = self._accounts.rows.get(claims.account_id)
        if session is None or account is None or session.account_id != account.id:
            raise SessionRevokedError
        if session.revoked_at is not None or session.epoch != account.auth_epoch:
            raise SessionRevokedError
        if not account.is_active:
            raise AccountDisabledError
        return frozenset(account.roles)
