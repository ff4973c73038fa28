"""Who may ask this service over HTTP, by which name, through which proxies and from which pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from app.shared.application.deployment import ANY_HOST
from app.shared.infrastructure.settings_group import SettingsGroup
from app.shared.infrastructure.web_names import ANY_ORIGIN, Hosts, Origins


class EdgeSettings(SettingsGroup):
    """Where the service ends and the network begins."""

    model_config = SettingsConfigDict(env_prefix="APP_")

    trusted_hosts: Annotated[
        Hosts,
        Field(
            description="Names that this service answers to, with commas; `*.example.com` is all"
            " below. When unset, any in development and the one of APP_PUBLIC_URL elsewhere."
        ),
    ] = ()
    trusted_proxy_hops: Annotated[
        int,
        Field(
            description="How many proxies in front append to X-Forwarded-For; 0 ignores it.",
            ge=0,
            le=16,
        ),
    ] = 0
    cors_origins: Annotated[
        Origins,
        Field(description="Origins whose pages may read the answers, with commas; `*` is any."),
    ] = ()
    cors_credentials: Annotated[
        bool, Field(description="Whether those pages may send cookies; never with `*`.")
    ] = False

    def risks(self) -> Mapping[str, bool]:
        return {
            "APP_TRUSTED_HOSTS is any host": ANY_HOST in self.trusted_hosts,
            "APP_CORS_ORIGINS has an origin without https": any(
                origin.startswith("http:") for origin in self.cors_origins
            ),
        }

    @model_validator(mode="after")
    def _is_meant(self) -> EdgeSettings:
        if self.cors_credentials and ANY_ORIGIN in self.cors_origins:
            # Starlette would let every page on the web act as whoever looks at it.
            raise ValueError("APP_CORS_CREDENTIALS is on, and APP_CORS_ORIGINS is any origin")
        return self
