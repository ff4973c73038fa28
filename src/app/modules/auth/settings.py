"""What an operator can decide about `auth`; every name is an environment variable."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from app.modules.auth.domain.policies import MailPolicy, RefreshPolicy
from app.modules.auth.domain.throttling import ThrottlePolicy
from app.shared.application.deployment import Deployment
from app.shared.infrastructure.settings_group import Seconds, SettingsGroup

_SECOND, _HOUR = timedelta(seconds=1), timedelta(hours=1)


class AuthSettings(SettingsGroup):
    """Accounts, passwords, sessions and keys. Lifetimes are in seconds."""

    model_config = SettingsConfigDict(env_prefix="AUTH_")

    keys_dir: Annotated[
        Path | None,
        Field(description="Signing keys and refresh secrets; APP_DATA_DIR/keys when unset."),
    ] = None
    issuer: Annotated[
        str | None, Field(description="`iss` of access tokens; APP_PUBLIC_URL when unset.")
    ] = None
    audience: Annotated[str, Field(description="`aud` of access tokens.", min_length=1)] = "app"
    client_id: Annotated[str, Field(description="`client_id` of access tokens.", min_length=1)] = (
        "app"
    )
    access_lifetime: Annotated[
        Seconds, Field(description="Life of an access token, less 0 to 60 s.", gt=timedelta(0))
    ] = timedelta(minutes=10)
    refresh_grace: Annotated[
        Seconds,
        Field(
            description="How long a used refresh token still gets the same successor;"
            " 0 is literal one-time use.",
            ge=timedelta(0),
        ),
    ] = timedelta(seconds=30)
    idle_lifetime: Annotated[
        Seconds, Field(description="A session that is not refreshed for this long ends.")
    ] = timedelta(days=14)
    absolute_lifetime: Annotated[
        Seconds, Field(description="A session ends after this long, whatever happens.")
    ] = timedelta(days=30)
    max_sessions: Annotated[
        int,
        Field(
            description="Sessions of one account; the one that is idle longest makes room.",
            ge=1,
            le=1000,
        ),
    ] = 50
    refresh_cookie: Annotated[
        bool,
        Field(description="Whether the refresh token is in a cookie and in no answer's body."),
    ] = False
    activity_retention: Annotated[
        Seconds,
        Field(description="How long an account's activity is kept.", ge=timedelta(days=1)),
    ] = timedelta(days=90)
    strict_revocation: Annotated[
        bool,
        Field(description="Whether every request asks the database if its token was revoked."),
    ] = False
    email_verification: Annotated[
        Literal["optional", "required"] | None,
        Field(
            description="Whether an address has to be verified before its account may log in;"
            " when unset, required outside development."
        ),
    ] = None
    mail_token_lifetime: Annotated[
        Seconds,
        # So long are mails counted, which bounds how many links are good at a time.
        Field(description="How long the link in a mail is good.", gt=timedelta(0), le=_HOUR),
    ] = timedelta(minutes=10)
    password_min_length: Annotated[
        int, Field(description="Code points of a new password, at least.", ge=8, le=128)
    ] = 15
    password_memory_kib: Annotated[
        int, Field(description="Argon2id memory per hash, in KiB.", ge=8, le=262_144)
    ] = 19_456
    password_time_cost: Annotated[
        int, Field(description="Argon2id passes over the memory.", ge=1, le=10)
    ] = 2
    password_parallelism: Annotated[int, Field(description="Argon2id lanes.", ge=1, le=4)] = 1
    password_threads: Annotated[
        int, Field(description="Hashes at once; 0 is one per core that is ours.", ge=0, le=256)
    ] = 0
    password_queue: Annotated[
        int, Field(description="Logins and registrations that may wait for a hash.", ge=4)
    ] = 256
    login_free_attempts: Annotated[
        int,
        Field(
            description="Wrong passwords for an address until the next one has to wait.",
            ge=1,
            le=100,
        ),
    ] = 10
    login_first_wait: Annotated[
        Seconds,
        Field(description="That wait; it doubles with each wrong password more.", ge=_SECOND),
    ] = _SECOND
    login_longest_wait: Annotated[
        Seconds, Field(description="… until it is this long.", le=24 * _HOUR)
    ] = timedelta(minutes=15)
    login_failures_before_reset: Annotated[
        int,
        Field(
            description="Wrong passwords in a row until only a reset helps (NIST SP 800-63B: 100).",
            ge=1,
            le=100,
        ),
    ] = 100
    login_failures_per_client: Annotated[
        int,
        Field(
            description="Wrong passwords in a quarter of an hour from one IPv4 address or"
            " IPv6 /64.",
            ge=1,
            le=1_000_000,
        ),
    ] = 100
    mails_per_hour: Annotated[
        int,
        Field(
            description="Mails of one kind to one account that anybody can ask for; beyond that,"
            " another once the last link has expired.",
            ge=1,
        ),
    ] = 5
    mail_requests_per_client: Annotated[
        int,
        Field(
            description="Requests for a reset or another verification in an hour from one IPv4"
            " address or IPv6 /64.",
            ge=1,
            le=1_000_000,
        ),
    ] = 100

    def risks(self) -> Mapping[str, bool]:
        unset = "AUTH_KEYS_DIR is not set: mount the keys, which outlive this machine"
        too_long = "AUTH_ACCESS_LIFETIME is longer than an hour"
        return {unset: self.keys_dir is None, too_long: self.access_lifetime > _HOUR}

    def issuer_of(self, deployment: Deployment) -> str:
        return self.issuer or deployment.public_url

    def requires_verification(self, deployment: Deployment) -> bool:
        chosen = self.email_verification
        return not deployment.is_development if chosen is None else chosen == "required"

    def mail_policy(self) -> MailPolicy:
        return MailPolicy(token_lifetime=self.mail_token_lifetime, max_per_hour=self.mails_per_hour)

    def refresh_policy(self) -> RefreshPolicy:
        return RefreshPolicy(
            grace=self.refresh_grace,
            idle_lifetime=self.idle_lifetime,
            absolute_lifetime=self.absolute_lifetime,
            max_sessions=self.max_sessions,
        )

    def throttle_policy(self) -> ThrottlePolicy:
        return ThrottlePolicy.of(
            free_attempts=self.login_free_attempts,
            first_wait=self.login_first_wait,
            longest_wait=self.login_longest_wait,
            failures_before_reset=self.login_failures_before_reset,
            failures_per_client=self.login_failures_per_client,
            mail_requests_per_client=self.mail_requests_per_client,
        )

    def keys_folder(self, data_dir: Path) -> Path:
        return self.keys_dir or data_dir / "keys"

    @model_validator(mode="after")
    def _lifetimes_in_order(self) -> AuthSettings:
        if self.refresh_grace > self.access_lifetime / 10:
            raise ValueError("AUTH_REFRESH_GRACE is longer than a tenth of AUTH_ACCESS_LIFETIME")
        if not self.access_lifetime < self.idle_lifetime:
            raise ValueError("AUTH_ACCESS_LIFETIME is not shorter than AUTH_IDLE_LIFETIME")
        if not self.idle_lifetime <= self.absolute_lifetime:
            raise ValueError("AUTH_IDLE_LIFETIME is longer than AUTH_ABSOLUTE_LIFETIME")
        if not self.login_first_wait <= self.login_longest_wait:
            raise ValueError("AUTH_LOGIN_FIRST_WAIT is longer than AUTH_LOGIN_LONGEST_WAIT")
        return self
