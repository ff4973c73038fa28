"""Variables that are nearly the name of a setting: somebody meant it, and it would not count."""

from __future__ import annotations

import os
from collections.abc import Iterator
from difflib import get_close_matches

from pydantic_settings import DotEnvSettingsSource

from app.shared.infrastructure.settings_group import SettingsGroup, groups_of, variables_of

_ALIKE = 0.85
"""`DATABASE_URI` is nearly `DATABASE_URL`. `DATABASE_PORT`, which platforms set for a service that
is called so, is nearly nothing."""


def misspelt(settings: type[SettingsGroup]) -> Iterator[str]:
    """A line for each such variable of the environment and `.env`, without its value."""
    groups = list(groups_of(settings))
    names = sorted(name for group in groups for name in variables_of(group))
    known = {*names, *(f"{name}_FILE" for name in names)}
    prefixes = tuple({group.model_config.get("env_prefix", "") for group in groups})
    given = {name.upper() for name in (*os.environ, *DotEnvSettingsSource(settings).env_vars)}
    for name in sorted(given - known):
        if name.startswith(prefixes) and (meant := _meant_by(name, names)):
            yield f"{name} is no setting: {meant} is"


def _meant_by(name: str, names: list[str]) -> str | None:
    """The setting that is written nearly so, or begins so."""
    alike = get_close_matches(name, names, n=1, cutoff=_ALIKE)
    begun = [known for known in names if known.startswith(name)]
    return next(iter(alike + begun), None)
