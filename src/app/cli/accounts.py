"""`app accounts create-admin`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from app.cli.console import load_process, run, within
from app.modules.auth.application.commands.create_admin import CreateAdmin, CreateAdminHandler

accounts = typer.Typer(no_args_is_help=True, help="Accounts, from the operator's side.")


@accounts.command("create-admin")
def create_admin(
    email: Annotated[str, typer.Option(prompt=True, help="The new administrator's address.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Make an account that may administer."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    process = load_process()
    handle = process.provided()[CreateAdminHandler]
    if isinstance(handle, CreateAdminHandler):
        account_id = run(within(process, handle(CreateAdmin(email=email, password=password))))
        typer.echo(f"created administrator {account_id}")
