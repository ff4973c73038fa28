"""All of `auth` in memory, under the names that the handlers' fields have."""

from __future__ import annotations

from app.modules.auth.application.password_gate import PasswordGate
from app.modules.auth.application.throttling import MailThrottle
from app.modules.auth.application.token_pair import TokenPairs
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.activity import Activity
from app.modules.auth.domain.api_key import ApiKey
from app.modules.auth.domain.errors import EmailTakenError
from app.modules.auth.domain.login_requirements import LoginRequirements
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.modules.auth.domain.password import PasswordPolicy
from app.modules.auth.domain.policies import MailPolicy, RefreshPolicy
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.throttling import ThrottlePolicy
from app.modules.auth.testing.api_keys import (
    FakeApiKeyTokens,
    InMemoryApiKeyStore,
    InMemoryApiKeyUses,
)
from app.modules.auth.testing.passwords import FakePasswordHasher, FewCommonPasswords
from app.modules.auth.testing.stores import (
    InMemoryCredentialStore,
    InMemoryEvidence,
    InMemoryRevocationCheck,
    InMemorySessionStore,
)
from app.modules.auth.testing.throttle import InMemoryThrottle
from app.modules.auth.testing.tokens import FakeAccessTokens, FakeMailedTokens, FakeRefreshTokens
from app.modules.auth.testing.unit_of_work import InMemoryAuthUnitOfWork
from app.shared.application.authorization import Scopes
from app.shared.domain.event import Event
from app.shared.testing.clock import FixedClock
from app.shared.testing.idempotency import InMemoryRequests
from app.shared.testing.unit_of_work import InMemoryTable


class InMemoryAuth:
    """Everything that the use cases of `auth` need: `Handler(auth.uow, auth.hasher, …)`."""

    def __init__(self, refresh_policy: RefreshPolicy | None = None) -> None:
        self.clock = FixedClock()
        self.published: list[Event] = []
        self.revoked: list[Revocation] = []
        self.activity: list[Activity] = []
        self.accounts = InMemoryTable[Account]({lambda a: a.email.key: EmailTakenError})
        self.sessions = InMemoryTable[Session]()
        self.mails = InMemoryTable[OutgoingMail]()
        self.api_keys = InMemoryTable[ApiKey]()
        self.requests = InMemoryRequests()
        self.password_policy = PasswordPolicy(common=FewCommonPasswords())
        self.refresh_policy = refresh_policy or RefreshPolicy()
        self.hasher = FakePasswordHasher()
        self.evidence = InMemoryEvidence()
        self.refresh_tokens = FakeRefreshTokens()
        self.access_tokens = FakeAccessTokens(self.clock)
        self.mailed_tokens = FakeMailedTokens()
        self.api_key_tokens = FakeApiKeyTokens()
        self.api_key_store = InMemoryApiKeyStore(self.accounts, self.api_keys, self.clock)
        self.api_key_uses = InMemoryApiKeyUses()
        self.scopes = Scopes()
        self.mail_policy = MailPolicy()
        self.pairs = TokenPairs(self.access_tokens, self.refresh_tokens, self.clock)
        self.throttle = InMemoryThrottle(self.clock)
        self.session_store = InMemorySessionStore(
            self.accounts,
            self.sessions,
            self.revoked,
            self.activity,
            self.throttle,
            self.refresh_policy,
            self.clock,
        )
        self.credentials = InMemoryCredentialStore(self.accounts, self.sessions)
        self.throttle_policy = ThrottlePolicy.of()
        self.login_requirements = LoginRequirements()
        self.revocations = InMemoryRevocationCheck(self.accounts, self.sessions)

    @property
    def passwords(self) -> PasswordGate:
        return PasswordGate(self.credentials, self.throttle, self.hasher, self.throttle_policy)

    @property
    def mail_throttle(self) -> MailThrottle:
        return MailThrottle(self.throttle, self.throttle_policy)

    def uow(self) -> InMemoryAuthUnitOfWork:
        return InMemoryAuthUnitOfWork(
            self.accounts,
            self.sessions,
            self.mails,
            self.api_keys,
            self.revoked,
            self.activity,
            self.published,
            self.requests,
            self.clock,
        )
