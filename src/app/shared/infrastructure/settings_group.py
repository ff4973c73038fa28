"""What every group of settings has in common: its sources, and errors that show no value."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)


def _as_seconds(value: Any) -> Any:
    """Plain numbers are seconds, wherever they come from."""
    try:
        return timedelta(seconds=float(value))
    except (TypeError, ValueError, OverflowError):
        return value


Seconds = Annotated[
    timedelta,
    BeforeValidator(_as_seconds),
    PlainSerializer(lambda value: f"{value.total_seconds():g}", when_used="unless-none"),
]
"""A duration that is written as a number of seconds."""


def _as_names(value: Any) -> Any:
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_as_names)]
"""Names with commas between them."""


class FromFile(PydanticBaseSettingsSource):
    """`NAME_FILE` holds the path of a file whose content is the value of `NAME`."""

    def __init__(
        self, settings_cls: type[BaseSettings], variables: Mapping[str, str | None]
    ) -> None:
        super().__init__(settings_cls)
        self._variables = variables
        """By their names in lower case."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        prefix = self.config.get("env_prefix", "")
        path = self._variables.get(f"{prefix}{field_name}_file".lower())
        value = Path(path).read_text(encoding="utf-8").strip() if path else None
        return value, field_name, self.field_is_complex(field)

    def __call__(self) -> dict[str, Any]:
        values = {}
        for field_name, field in self.settings_cls.model_fields.items():
            value, key, _ = self.get_field_value(field, field_name)
            if value is not None:
                values[key] = value
        return values


class SettingsGroup(BaseSettings):
    """Read from the environment, from files named there, and from `.env`; frozen afterwards."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        # `AUTH_KEYS_DIR=` would otherwise be the working directory.
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    def risks(self) -> Mapping[str, bool]:
        """What production must not start with: the line that names it, and whether it is so."""
        return {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """First match wins. Docker-style secret folders are not read: `*_FILE` names a file."""
        del env_settings, dotenv_settings, file_secret_settings
        environment, dotenv = EnvSettingsSource(settings_cls), DotEnvSettingsSource(settings_cls)
        return (
            init_settings,
            environment,
            FromFile(settings_cls, environment.env_vars),
            dotenv,
            FromFile(settings_cls, dotenv.env_vars),
        )


def groups_of(group: type[SettingsGroup]) -> Iterator[type[SettingsGroup]]:
    """The group and those inside it."""
    yield group
    for field in group.model_fields.values():
        if (inner := group_in(field)) is not None:
            yield from groups_of(inner)


def variables_of(group: type[SettingsGroup]) -> dict[str, FieldInfo]:
    """The group's own settings by the names of their environment variables."""
    prefix = group.model_config.get("env_prefix", "")
    return {
        f"{prefix}{name}".upper(): field
        for name, field in group.model_fields.items()
        if group_in(field) is None
    }


def group_in(field: FieldInfo) -> type[SettingsGroup] | None:
    kind: Any = field.annotation
    return kind if inspect.isclass(kind) and issubclass(kind, SettingsGroup) else None
