"""`app keys list | rotate`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from app.cli.showing import AsJson, show_json, show_table
from app.container import compose
from app.modules.auth.infrastructure.key_files import Kind
from app.modules.auth.infrastructure.key_ring import KeyRing
from app.modules.auth.infrastructure.new_keys import add_key_file
from app.settings import Settings

keys = typer.Typer(no_args_is_help=True, help="The keys that sign tokens.")

TITLES = ("kid", "kind", "algorithm", "mints")


@keys.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """Show every key by its id, without its content."""
    listed = _key_ring().listing()
    if as_json:
        show_json(listed)
        return
    show_table(TITLES, [(key.kid, key.kind, key.algorithm, key.mints) for key in listed])


@keys.command("rotate")
def rotate_keys(
    kind: Annotated[
        Literal["signing", "refresh", "all"], typer.Option(help="Which key to renew.")
    ] = "all",
) -> None:
    """Add new keys, or the first ones.

    They are published at once and mint after five minutes; nobody is logged out.
    """
    settings = Settings.load()
    folder = settings.auth.keys_folder(settings.data_dir)
    kinds: tuple[Kind, ...] = ("signing", "refresh") if kind == "all" else (kind,)
    for each in kinds:
        made = add_key_file(folder, each, datetime.now(UTC))
        if made.content is None:
            typer.echo(f"added {made.name}")
        else:
            typer.echo(f"the folder is read-only; store this as {made.name}:", err=True)
            typer.echo(made.content)


def _key_ring() -> KeyRing:
    ring = compose(Settings.load()).provided()[KeyRing]
    if not isinstance(ring, KeyRing):
        raise TypeError
    return ring
