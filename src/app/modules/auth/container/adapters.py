"""What the use cases of `auth` are given, under the names that their fields have."""

from __future__ import annotations

from datetime import timedelta

from dependency_injector.containers import DeclarativeContainer
from dependency_injector.providers import (
    Callable,
    DependenciesContainer,
    Dependency,
    Factory,
    Singleton,
)

from app.modules.auth.api.refresh_cookie import RefreshCookie
from app.modules.auth.application.password_gate import PasswordGate
from app.modules.auth.application.postman import Postman
from app.modules.auth.application.throttling import MailThrottle
from app.modules.auth.application.token_pair import TokenPairs
from app.modules.auth.domain.login_requirements import LoginRequirements
from app.modules.auth.domain.password import PasswordPolicy
from app.modules.auth.infrastructure.access_tokens import AccessTokenPolicy, JwtAccessTokens
from app.modules.auth.infrastructure.account_directory import SqlAccountDirectory
from app.modules.auth.infrastructure.aes_gcm_cursors import AesGcmCursors
from app.modules.auth.infrastructure.api_key_store import ApiKeyUseBuffer, AsyncpgApiKeyStore
from app.modules.auth.infrastructure.argon2_password_hasher import (
    Argon2Parameters,
    Argon2PasswordHasher,
)
from app.modules.auth.infrastructure.common_passwords import BundledCommonPasswords
from app.modules.auth.infrastructure.credential_store import AsyncpgCredentialStore
from app.modules.auth.infrastructure.derived_keys import DerivedKeys
from app.modules.auth.infrastructure.evidence_buffer import EvidenceBuffer
from app.modules.auth.infrastructure.expiry import Expiry
from app.modules.auth.infrastructure.hashing_pool import HashingPool
from app.modules.auth.infrastructure.hmac_api_key_tokens import HmacApiKeyTokens
from app.modules.auth.infrastructure.hmac_fingerprints import HmacFingerprints
from app.modules.auth.infrastructure.hmac_mailed_tokens import HmacMailedTokens
from app.modules.auth.infrastructure.jinja_mail_composer import JinjaMailComposer
from app.modules.auth.infrastructure.key_ring import REREAD_SECONDS, KeyRing
from app.modules.auth.infrastructure.mail_expiry import MailExpiry
from app.modules.auth.infrastructure.refresh_tokens import HmacRefreshTokens
from app.modules.auth.infrastructure.revocation_follower import RevocationFollower
from app.modules.auth.infrastructure.revocation_list import RevocationList
from app.modules.auth.infrastructure.revocation_memory import RevocationMemory
from app.modules.auth.infrastructure.revocation_notice import RevocationNotice
from app.modules.auth.infrastructure.session_store import AsyncpgSessionStore
from app.modules.auth.infrastructure.throttle_store import AsyncpgThrottle
from app.modules.auth.infrastructure.unit_of_work import SqlAlchemyAuthUnitOfWork
from app.modules.auth.settings import AuthSettings
from app.shared.application.clock import Clock
from app.shared.application.deployment import Deployment
from app.shared.infrastructure.use_case import Ports
from app.shared.infrastructure.web_names import origin_of

_PUBLISH_AHEAD = timedelta(minutes=5, seconds=2 * REREAD_SECONDS)


def _key_ring(settings: AuthSettings, deployment: Deployment, clock: Clock) -> KeyRing:
    open_ring = KeyRing.ensure if deployment.is_development else KeyRing
    directory = settings.keys_folder(deployment.data_dir)
    return open_ring(directory, clock, publish_ahead=_PUBLISH_AHEAD)


def _refresh_cookie(settings: AuthSettings, deployment: Deployment) -> RefreshCookie:
    pages = {origin_of(deployment.public_url), origin_of(deployment.frontend_url)}
    # Whose pages may not send cookies may not send this one.
    guests = deployment.cors_origins if deployment.cors_credentials else ()
    return RefreshCookie(settings.refresh_cookie, frozenset(pages.union(guests)))


def _access_policy(settings: AuthSettings, issuer: str) -> AccessTokenPolicy:
    return AccessTokenPolicy(
        issuer=issuer,
        audience=settings.audience,
        client_id=settings.client_id,
        lifetime=settings.access_lifetime,
        jitter=min(timedelta(minutes=1), settings.access_lifetime / 10),
    )


def _throttle_info(issuer: str) -> bytes:
    return f"throttle|{issuer}".encode()


def _cursor_info(issuer: str) -> bytes:
    return f"cursor|{issuer}".encode()


class AuthAdapters(DeclarativeContainer):
    """The ports of `auth` and who stands behind them; `AuthContainer` adds what uses them."""

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
    revocation_memory = Singleton(RevocationMemory)
    revocation_follower = Singleton(
        RevocationFollower,
        kernel.reader,
        revocation_memory,
        keep=remembered,
        follow=kernel.clock.provided.follow,
    )
    revocation_notice = Singleton(RevocationNotice, kernel.statements)
    revocations = Singleton(
        RevocationList,
        kernel.reader,
        revocation_memory,
        revocation_follower,
        revocation_notice.provided.send,
        strict=settings.provided.strict_revocation,
    )
    expiry = Singleton(
        Expiry,
        kernel.statements,
        remembered=remembered,
        activity_kept=settings.provided.activity_retention,
    )
    mail_expiry = Singleton(MailExpiry, kernel.statements)
    evidence = Singleton(EvidenceBuffer, kernel.statements)
    credentials = Singleton(AsyncpgCredentialStore, kernel.statements)
    throttle_policy = Singleton(AuthSettings.throttle_policy, settings)
    throttle = Singleton(
        AsyncpgThrottle,
        kernel.statements,
        Singleton(DerivedKeys, key_ring, info=Callable(_throttle_info, issuer)),
    )
    passwords = Singleton(PasswordGate, credentials, throttle, hasher, throttle_policy)
    mail_throttle = Singleton(MailThrottle, throttle, throttle_policy)
    login_requirements = Singleton(
        LoginRequirements,
        verified_address=Callable(AuthSettings.requires_verification, settings, kernel.deployment),
    )
    sessions = Singleton(AsyncpgSessionStore, kernel.statements, refresh_policy, revocations)
    cursors = Singleton(
        AesGcmCursors, Singleton(DerivedKeys, key_ring, info=Callable(_cursor_info, issuer))
    )
    api_key_tokens = Singleton(HmacApiKeyTokens, key_ring, issuer=issuer)
    api_key_store = Singleton(AsyncpgApiKeyStore, kernel.reader)
    api_key_uses = Singleton(ApiKeyUseBuffer, kernel.statements)
    fingerprints = Singleton(HmacFingerprints, key_ring, issuer=issuer)
    directory = Singleton(SqlAccountDirectory, kernel.reader)
    unit_of_work = Factory(
        SqlAlchemyAuthUnitOfWork, kernel.engine, kernel.publish, kernel.ring, revocations
    )
    uow = unit_of_work.provider

    refresh_cookie = Singleton(_refresh_cookie, settings, kernel.deployment)

    mailed_tokens = Singleton(HmacMailedTokens, key_ring, issuer=issuer)
    composer = Singleton(
        JinjaMailComposer,
        service=kernel.mail_settings.provided.sender_name,
        frontend_url=kernel.deployment.provided.frontend_url,
        token_lifetime=settings.provided.mail_token_lifetime,
    )
    mail_policy = Singleton(AuthSettings.mail_policy, settings)
    postman = Singleton(Postman, uow, mailed_tokens, composer, kernel.mailer)


PORTS: Ports = {
    **AuthAdapters.providers,
    "clock": AuthAdapters.kernel.clock,
    "reader": AuthAdapters.kernel.reader,
    "scopes": AuthAdapters.kernel.scopes,
    "exports": AuthAdapters.kernel.exports,
}
