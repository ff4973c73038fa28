"""What the use cases of `auth` need of the world, in their own words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from app.modules.auth.application.throttling import Reservation
from app.modules.auth.domain.ports import (
    Accounts,
    Activities,
    ApiKeys,
    OutgoingMails,
    Revocations,
    Sessions,
)
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import SessionGrant
from app.shared.application.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class PasswordCheck:
    """What comparing a password with a stored hash found out."""

    matches: bool
    outdated: bool = False
    """Whether the hash was made with other parameters than today's."""


@runtime_checkable
class PasswordHasher(Protocol):
    """Hashes off the event loop, as many at once as there are cores.

    `client` is the caller's address: no client may fill the queue alone. Every method raises
    `HashingOverloadedError` (503) when no permit came free in time and `HashingQueueShareError`
    (429) when this client already holds its share of the queue.
    """

    async def hash(self, password: str, *, client: str | None = None) -> str: ...

    async def check(
        self, password: str, password_hash: str | None, *, client: str | None = None
    ) -> PasswordCheck:
        """Costs the same when there is no hash to compare with; then it never matches."""
        ...


@dataclass(frozen=True, slots=True)
class PresentedRefreshToken:
    """What an authentic refresh token says; whether it is still good is the session's to say."""

    kid: str
    session_id: UUID
    generation: int


@runtime_checkable
class RefreshTokens(Protocol):
    """Derives refresh tokens from a secret outside the database and recognises its own."""

    @property
    def current_kid(self) -> str: ...

    def mint(self, session_id: UUID, generation: int, kid: str) -> str:
        """The same token for the same arguments, always. Raises `TokenInvalidError` for a kid
        whose secret is gone."""
        ...

    def parse(self, token: str) -> PresentedRefreshToken:
        """Raises `TokenInvalidError` for everything that we did not mint."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """The claims of an access token that say something about the caller (RFC 9068 §2.2)."""

    account_id: UUID
    session_id: UUID
    generation: int
    epoch: int
    roles: frozenset[str]
    authenticated_at: datetime
    session_ends_at: datetime
    """The absolute end of the session, which no access token outlives. Not a claim of its own:
    a verified token shows its own `exp` here."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed access token and the seconds that it has to live."""

    value: str = field(repr=False)
    expires_in: int


@runtime_checkable
class AccessTokens(Protocol):
    """Signs and verifies access tokens (RFC 9068)."""

    def mint(self, claims: AccessClaims) -> AccessToken: ...

    def verify(self, token: str) -> AccessClaims:
        """Signature and every claim but revocation.

        Raises `TokenExpiredError`, and `TokenInvalidError` for anything else that is wrong.
        """
        ...

    def verify_signature(self, token: str) -> AccessClaims:
        """As `verify`, but an expired token is accepted: enough to end its session."""
        ...


@runtime_checkable
class SessionStore(Protocol):
    """The two writes of every login and every refresh, each one atomic statement.

    They spare the ordinary case the unit of work. `advance` decides exactly as row 0 and row 1 of
    `Session.present` do; whatever else a token may mean is decided by the aggregate.
    """

    async def open(self, session: Session, *, settles: tuple[Reservation, ...] = ()) -> list[UUID]:
        """Takes back what the login was charged, since it was no failure.

        An account that has its `max_sessions` loses the one that is idle longest, dead ones first;
        its access tokens are void at once. Living ones are answered, and are lines for the owner.
        Raises `AccountDisabledError` when the account is gone meanwhile.
        """
        ...

    async def advance(self, session_id: UUID, generation: int, kid: str) -> SessionGrant | None:
        """Compare and swap: None when `generation` is not the present one of a living session."""
        ...

    async def end_before(self, moment: datetime) -> int:
        """End, in batches, every session that began before the moment; how many there were."""
        ...


@runtime_checkable
class Evidence(Protocol):
    """Remembers, off the request path, which generations clients have shown that they got."""

    def note(self, session_id: UUID, generation: int) -> None: ...

    def latest(self, session_id: UUID) -> int:
        """The highest generation that this process saw and may not have stored yet; or 0."""
        ...


@runtime_checkable
class RevocationCheck(Protocol):
    """Knows which access tokens died before their time."""

    async def living_roles(self, claims: AccessClaims, *, fresh: bool = False) -> frozenset[str]:
        """The roles that the token stands for: its own, or the account's where the database is
        asked, which `fresh` does whatever this process knows.

        Raises `SessionRevokedError` or `AccountDisabledError`, and `UnavailableError` when it
        cannot be decided.
        """
        ...


class AuthWork(Protocol):
    """The accounts inside a transaction that somebody else commits."""

    accounts: Accounts


class AuthUnitOfWork(AuthWork, UnitOfWork, Protocol):
    """One transaction over the aggregates of `auth`."""

    sessions: Sessions
    mails: OutgoingMails
    api_keys: ApiKeys
    revocations: Revocations
    activity: Activities

    async def now(self) -> datetime:
        """PostgreSQL's clock, read now: what every decision about time is taken by."""
        ...


@runtime_checkable
class PublishedKeys(Protocol):
    """The public halves of the keys that sign access tokens."""

    @property
    def max_age_seconds(self) -> int:
        """How long others may remember the answer; a new key waits as long before it signs."""
        ...

    def jwks(self) -> dict[str, Any]:
        """A JWK Set (RFC 7517 §5)."""
        ...
