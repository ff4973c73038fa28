"""All settings, composed from those of the modules; read once, handed on as typed objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import SettingsConfigDict
from pydantic_settings import SettingsError as UnparsableError

from app.modules.auth.settings import AuthSettings
from app.shared.application.deployment import ANY_HOST, Deployment, Environment
from app.shared.infrastructure.fail_points import is_armed
from app.shared.infrastructure.logs import LogStyle
from app.shared.infrastructure.misspelt_settings import misspelt
from app.shared.infrastructure.settings_group import Seconds, SettingsGroup, group_in
from app.shared.infrastructure.web_names import RootUrl, host_of
from app.shared.settings import (
    BrokerSettings,
    DatabaseSettings,
    EdgeSettings,
    EventsSettings,
    MailSettings,
)

_Group = TypeVar("_Group", bound=SettingsGroup)


class SettingsError(Exception):
    """The process must not start. Every line names a setting; no line holds a value."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Settings(SettingsGroup):
    """Defaults make development work with nothing set; production refuses what is unsafe."""

    model_config = SettingsConfigDict(env_prefix="APP_")

    environment: Annotated[
        Environment,
        Field(description="`production` refuses to start with an unsafe setting."),
    ] = "development"
    debug: Annotated[bool, Field(description="Logs more; never in production.")] = False
    public_url: Annotated[
        RootUrl, Field(description="Where clients reach this service, without a trailing slash.")
    ] = "http://127.0.0.1:8000"
    frontend_url: Annotated[
        RootUrl | None,
        Field(description="Where links in mails lead; APP_PUBLIC_URL when unset."),
    ] = None
    data_dir: Annotated[Path, Field(description="Development's database, keys and mail.")] = Path(
        ".data"
    )
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Least level logged.")
    ] = "info"
    log_format: Annotated[
        LogStyle | None,
        Field(description="When unset, console in development and json elsewhere."),
    ] = None
    request_timeout: Annotated[
        Seconds, Field(description="A request that takes longer is answered 503.", gt=timedelta(0))
    ] = timedelta(seconds=10)
    max_body_bytes: Annotated[
        int, Field(description="A larger request body is answered 413.", ge=1024)
    ] = 65_536
    edge: EdgeSettings = Field(default_factory=EdgeSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    events: EventsSettings = Field(default_factory=EventsSettings)
    broker: BrokerSettings = Field(default_factory=BrokerSettings)
    mail: MailSettings = Field(default_factory=MailSettings)
    auth: AuthSettings = Field(default_factory=AuthSettings)

    @classmethod
    def load(cls) -> Settings:
        """From the environment and `.env`. Raises `SettingsError`."""
        lines: list[str] = []
        groups = {
            name: _read(group, lines)
            for name, field in cls.model_fields.items()
            if (group := group_in(field)) is not None
        }
        lines = lines or list(misspelt(cls))
        settings = None if lines else _read(cls, lines, **groups)
        if settings is None:
            raise SettingsError(lines)
        return settings

    @property
    def is_development(self) -> bool:
        return self.environment == "development"

    @property
    def log_style(self) -> LogStyle:
        return self.log_format or ("console" if self.is_development else "json")

    @property
    def least_logged(self) -> str:
        return "debug" if self.debug else self.log_level

    @property
    def deployment(self) -> Deployment:
        """What the modules get to know of all this."""
        return Deployment(
            environment=self.environment,
            public_url=self.public_url,
            frontend_url=self.frontend_url or self.public_url,
            data_dir=self.data_dir,
            request_timeout=self.request_timeout,
            max_body_bytes=self.max_body_bytes,
            trusted_hosts=self.edge.trusted_hosts or self._own_hosts,
            trusted_proxy_hops=self.edge.trusted_proxy_hops,
            cors_origins=self.edge.cors_origins,
            cors_credentials=self.edge.cors_credentials,
        )

    @property
    def _own_hosts(self) -> tuple[str, ...]:
        return (ANY_HOST if self.is_development else host_of(self.public_url),)

    @model_validator(mode="after")
    def _is_coherent(self) -> Settings:
        problems = []
        if self.auth.refresh_grace and not self.request_timeout < self.auth.refresh_grace:
            problems.append("APP_REQUEST_TIMEOUT is not shorter than AUTH_REFRESH_GRACE")
        pool, needed = self.database.pool_size, self.events.concurrency + 2
        if pool < needed:
            problems.append(
                f"DATABASE_POOL_SIZE, {pool}, is less than EVENTS_CONCURRENCY plus 2, {needed}"
            )
        if self.environment == "production":
            problems += self._unsafe()
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def risks(self) -> Mapping[str, bool]:
        return {
            "APP_PUBLIC_URL is not https": not _is_https(self.public_url),
            "APP_FRONTEND_URL is not https": not _is_https(self.frontend_url or "https://"),
            "APP_DEBUG is on": self.debug,
            "FAILPOINT is set: the process would kill itself": is_armed(),
        }

    def _unsafe(self) -> Iterator[str]:
        """What the groups call risks; a new one is a line in the `risks` of its group."""
        members = (getattr(self, name) for name in type(self).model_fields)
        groups = (member for member in members if isinstance(member, SettingsGroup))
        for group in (self, *groups):
            yield from (line for line, is_so in group.risks().items() if is_so)


def _is_https(url: str) -> bool:
    return url.lower().startswith("https://")


def _read(group: type[_Group], lines: list[str], **values: Any) -> _Group | None:
    """The group, or None and a line for everything that is wrong with it."""
    prefix = group.model_config.get("env_prefix", "")
    try:
        return group(**values)
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_context=False):
            name = f"{prefix}{'_'.join(map(str, problem['loc']))}: ".upper()
            message = problem["msg"].removeprefix("Value error, ")
            lines += [name + message] if problem["loc"] else message.split("; ")
    except OSError as error:
        lines.append(f"a {prefix}*_FILE setting cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        lines.append(f"a {prefix}*_FILE setting, or .env, is not text in UTF-8")
    except UnparsableError as error:
        # A whole group in one variable, which nobody needs: it names the field, not the value.
        lines.append(f"{prefix}*: {error}")
    return None
