"""All of `auth` in memory, under the names that the handlers' fields have."""

from __future__ import annotations

from app.modules.auth.application.token_pair import TokenPairs
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.errors import EmailTakenError
from app.modules.auth.domain.password import PasswordPolicy
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.testing.passwords import FakePasswordHasher, FewCommonPasswords
from app.modules.auth.testing.stores import (
    InMemoryCredentialStore,
    InMemoryEvidence,
    InMemoryRevocationCheck,
    InMemorySessionStore,
)
from app.modules.auth.testing.tokens import FakeAccessTokens, FakeRefreshTokens
from app.modules.auth.testing.unit_of_work import InMemoryAuthUnitOfWork
from app.shared.domain.event import Event
from app.shared.testing.clock import FixedClock
from app.shared.testing.unit_of_work import InMemoryTable


class InMemoryAuth:
    """Everything that the use cases of `auth` need: `Handler(auth.uow, auth.hasher, …)`."""

    def __init__(self, refresh_policy: RefreshPolicy | None = None) -> None:
        self.clock = FixedClock()
        self.published: list[Event] = []
        self.revoked: list[Revocation] = []
        self.accounts = InMemoryTable[Account]({lambda a: a.email.key: EmailTakenError})
        self.sessions = InMemoryTable[Session]()
        self.password_policy = PasswordPolicy(common=FewCommonPasswords())
        self.refresh_policy = refresh_policy or RefreshPolicy()
        self.hasher = FakePasswordHasher()
        self.evidence = InMemoryEvidence()
        self.refresh_tokens = FakeRefreshTokens()
        self.access_tokens = FakeAccessTokens(self.clock)
        self.pairs = TokenPairs(self.access_tokens, self.refresh_tokens, self.clock)
        self.session_store = InMemorySessionStore(
            self.accounts, self.sessions, self.revoked, self.refresh_policy, self.clock
        )
        self.credentials = InMemoryCredentialStore(self.accounts)
        self.revocations = InMemoryRevocationCheck(self.accounts, self.sessions)

    def uow(self) -> InMemoryAuthUnitOfWork:
        return InMemoryAuthUnitOfWork(
            self.accounts, self.sessions, self.revoked, self.published, self.clock
        )
