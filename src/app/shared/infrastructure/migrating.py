"""Brings a database to the schema of this code; what `app migrate` and the tests call."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

_CHECKOUT = Path(__file__).resolve().parents[4]


class MigrationsNotFoundError(Exception):
    """There is no alembic.ini to migrate by, here or in the checkout."""


def alembic_config(url: str) -> Config:
    """The configuration in the working directory (an image), else in the checkout.

    Raises `MigrationsNotFoundError`.
    """
    for folder in (Path.cwd(), _CHECKOUT):
        if (folder / "alembic.ini").is_file():
            config = Config(folder / "alembic.ini")
            config.attributes["url"] = url
            return config
    raise MigrationsNotFoundError(f"no alembic.ini in {Path.cwd()} or {_CHECKOUT}")


def migrate(url: str) -> None:
    """Upgrade every module's branch to its newest revision; safe to call from many processes.

    It runs an event loop of its own, so inside a coroutine call it in a thread.
    """
    command.upgrade(alembic_config(url), "heads")
