"""What an operator can decide about `auth`; every name is an environment variable."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from app.modules.auth.domain.policies import RefreshPolicy
from app.shared.application.deployment import Deployment
from app.shared.infrastructure.settings_group import Seconds, SettingsGroup


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
    strict_revocation: Annotated[
        bool | None,
        Field(
            description="Whether every request asks the database if its token was revoked;"
            " when unset, true outside development."
        ),
    ] = None
    email_verification: Annotated[
        Literal["optional"],
        Field(description="Whether an unverified address may log in; it may, for now."),
    ] = "optional"
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

    def issuer_of(self, deployment: Deployment) -> str:
        return self.issuer or deployment.public_url

    def is_strict(self, deployment: Deployment) -> bool:
        chosen = self.strict_revocation
        return not deployment.is_development if chosen is None else chosen

    def refresh_policy(self) -> RefreshPolicy:
        return RefreshPolicy(
            grace=self.refresh_grace,
            idle_lifetime=self.idle_lifetime,
            absolute_lifetime=self.absolute_lifetime,
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
        return self
