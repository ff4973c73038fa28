"""`auth` without a database: fakes of its own ports, for tests of its use cases."""

from app.modules.auth.testing.passwords import FakePasswordHasher, FewCommonPasswords
from app.modules.auth.testing.stores import (
    InMemoryCredentialStore,
    InMemoryEvidence,
    InMemoryRevocationCheck,
    InMemorySessionStore,
)
from app.modules.auth.testing.throttle import InMemoryThrottle
from app.modules.auth.testing.tokens import (
    FakeAccessTokens,
    FakeMailedTokens,
    FakeRefreshTokens,
)
from app.modules.auth.testing.unit_of_work import InMemoryAuthUnitOfWork
from app.modules.auth.testing.world import InMemoryAuth

__all__ = [
    "FakeAccessTokens",
    "FakeMailedTokens",
    "FakePasswordHasher",
    "FakeRefreshTokens",
    "FewCommonPasswords",
    "InMemoryAuth",
    "InMemoryAuthUnitOfWork",
    "InMemoryCredentialStore",
    "InMemoryEvidence",
    "InMemoryRevocationCheck",
    "InMemorySessionStore",
    "InMemoryThrottle",
]
