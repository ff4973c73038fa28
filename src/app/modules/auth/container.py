"""What `auth` is made of: its table of contents."""

from __future__ import annotations

from datetime import timedelta

from dependency_injector.containers import DeclarativeContainer
from dependency_injector.providers import (
    Callable,
    DependenciesContainer,
    Dependency,
    Dict,
    Factory,
    List,
    Object,
    Singleton,
)
from fastapi import APIRouter

from app.modules.auth.api import account, keys, oauth2, registration, tokens
from app.modules.auth.application.authenticator import AccessTokenAuthenticator
from app.modules.auth.application.commands.create_admin import CreateAdminHandler
from app.modules.auth.application.commands.log_in import LogInHandler
from app.modules.auth.application.commands.log_out import LogOutHandler
from app.modules.auth.application.commands.register_account import RegisterAccountHandler
from app.modules.auth.application.commands.rotate_refresh_token import RotateRefreshTokenHandler
from app.modules.auth.application.ports import PublishedKeys
from app.modules.auth.application.queries.get_account import GetAccountHandler
from app.modules.auth.application.token_pair import TokenPairs
from app.modules.auth.contracts.events import AccountRegistered
from app.modules.auth.domain.events import RegistrationRepeated, SessionCompromised
from app.modules.auth.domain.password import PasswordPolicy
from app.modules.auth.infrastructure.access_tokens import AccessTokenPolicy, JwtAccessTokens
from app.modules.auth.infrastructure.argon2_password_hasher import (
    Argon2Parameters,
    Argon2PasswordHasher,
)
from app.modules.auth.infrastructure.common_passwords import BundledCommonPasswords
from app.modules.auth.infrastructure.credential_store import AsyncpgCredentialStore
from app.modules.auth.infrastructure.evidence_buffer import EvidenceBuffer
from app.modules.auth.infrastructure.expiry import Expiry
from app.modules.auth.infrastructure.hashing_pool import HashingPool
from app.modules.auth.infrastructure.key_ring import REREAD_SECONDS, KeyRing
from app.modules.auth.infrastructure.refresh_tokens import HmacRefreshTokens
from app.modules.auth.infrastructure.revocation_list import RevocationList
from app.modules.auth.infrastructure.session_store import AsyncpgSessionStore
from app.modules.auth.infrastructure.unit_of_work import SqlAlchemyAuthUnitOfWork
from app.modules.auth.settings import AuthSettings
from app.shared.application.clock import Clock
from app.shared.application.deployment import Deployment
from app.shared.application.principal import Authenticator
from app.shared.application.schedule import Job
from app.shared.infrastructure.periodic import Periodic

_PUBLISH_AHEAD = timedelta(minutes=5, seconds=2 * REREAD_SECONDS)


def _key_ring(settings: AuthSettings, deployment: Deployment, clock: Clock) -> KeyRing:
    open_ring = KeyRing.ensure if deployment.is_development else KeyRing
    directory = settings.keys_folder(deployment.data_dir)
    return open_ring(directory, clock, publish_ahead=_PUBLISH_AHEAD)


def _access_policy(settings: AuthSettings, issuer: str) -> AccessTokenPolicy:
    return AccessTokenPolicy(
        issuer=issuer,
        audience=settings.audience,
        client_id=settings.client_id,
        lifetime=settings.access_lifetime,
        jitter=min(timedelta(minutes=1), settings.access_lifetime / 10),
    )


def _routers(deployment: Deployment) -> list[APIRouter]:
    routers = [registration.router, tokens.router, account.router, keys.router]
    return [*routers, oauth2.router] if deployment.is_development else routers


class AuthContainer(DeclarativeContainer):
    """Accounts, sessions and tokens."""

    kernel = DependenciesContainer()
    settings = Dependency(instance_of=AuthSettings)

    issuer = Callable(AuthSettings.issuer_of, settings, kernel.deployment)
    key_ring = Singleton(_key_ring, settings, kernel.deployment, kernel.clock)
    refresh_tokens = Singleton(HmacRefreshTokens, key_ring, issuer=issuer)
    access_policy = Singleton(_access_policy, settings, issuer)
    access_tokens = Singleton(JwtAccessTokens, key_ring, kernel.clock, access_policy)
    pairs = Singleton(TokenPairs, access_tokens, refresh_tokens, kernel.clock)

    hashing_pool = Singleton(
        HashingPool, settings.provided.password_threads, queue=settings.provided.password_queue
    )
    argon2_parameters = Singleton(
        Argon2Parameters,
        memory_kib=settings.provided.password_memory_kib,
        iterations=settings.provided.password_time_cost,
        lanes=settings.provided.password_parallelism,
    )
    hasher = Singleton(Argon2PasswordHasher, hashing_pool, argon2_parameters)
    password_policy = Singleton(
        PasswordPolicy,
        common=Singleton(BundledCommonPasswords),
        min_length=settings.provided.password_min_length,
    )
    refresh_policy = Singleton(AuthSettings.refresh_policy, settings)

    remembered = Callable(
        AccessTokenPolicy.remembered, access_policy, kernel.deployment.provided.request_timeout
    )
    revocations = Singleton(
        RevocationList,
        kernel.reader,
        strict=Callable(AuthSettings.is_strict, settings, kernel.deployment),
        keep=remembered,
        follow=kernel.clock.provided.follow,
    )
    expiry = Singleton(Expiry, kernel.statements, remembered=remembered)
    evidence = Singleton(EvidenceBuffer, kernel.statements)
    credentials = Singleton(AsyncpgCredentialStore, kernel.statements)
    sessions = Singleton(AsyncpgSessionStore, kernel.statements, refresh_policy, revocations)
    uow = Factory(SqlAlchemyAuthUnitOfWork, kernel.engine, kernel.publish, kernel.ring, revocations)

    authenticator = Singleton(AccessTokenAuthenticator, access_tokens, revocations, evidence)
    register_account = Singleton(
        RegisterAccountHandler,
        uow=uow.provider,
        hasher=hasher,
        policy=password_policy,
        clock=kernel.clock,
    )
    create_admin = Singleton(
        CreateAdminHandler,
        uow=uow.provider,
        hasher=hasher,
        policy=password_policy,
        clock=kernel.clock,
    )
    log_in = Singleton(
        LogInHandler,
        credentials=credentials,
        sessions=sessions,
        hasher=hasher,
        refresh_tokens=refresh_tokens,
        pairs=pairs,
        policy=refresh_policy,
        clock=kernel.clock,
    )
    rotate_refresh_token = Singleton(
        RotateRefreshTokenHandler,
        uow=uow.provider,
        sessions=sessions,
        evidence=evidence,
        refresh_tokens=refresh_tokens,
        pairs=pairs,
        policy=refresh_policy,
        clock=kernel.clock,
    )
    log_out = Singleton(
        LogOutHandler, uow=uow.provider, refresh_tokens=refresh_tokens, access_tokens=access_tokens
    )
    get_account = Singleton(GetAccountHandler, reader=kernel.reader)

    routers = Callable(_routers, kernel.deployment)
    events = Object((AccountRegistered, RegistrationRepeated, SessionCompromised))
    provides = Dict({Authenticator: authenticator, PublishedKeys: key_ring})
    periodic = List(
        Singleton(
            Periodic,
            name="auth.poll_revocations",
            seconds=2.0,
            work=revocations.provided.poll,
            before_serving=True,
        ),
        Singleton(
            Periodic,
            name="auth.store_evidence",
            seconds=0.5,
            work=evidence.provided.flush,
            at_the_end=True,
        ),
        Singleton(
            Periodic, name="auth.read_keys", seconds=REREAD_SECONDS, work=key_ring.provided.reread
        ),
    )
    jobs = List(
        Singleton(
            Job, name="auth.expire_sessions", cron="5 4 * * *", work=expiry.provided.expire_sessions
        ),
        Singleton(
            Job,
            name="auth.forget_revocations",
            every=timedelta(hours=1),
            work=expiry.provided.forget_revocations,
        ),
    )
    closing = List(hashing_pool.provided.close)
