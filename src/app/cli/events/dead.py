"""`app events dead list | show | revive | discard`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from app.cli.console import asking, load_kernel, run
from app.cli.showing import AsJson, Yes, confirm, show_facts, show_json, show_table
from app.shared.application.reader import Reader
from app.shared.infrastructure.messaging import dead_letters
from app.shared.infrastructure.messaging.dead_letters import DeadLetter
from app.shared.infrastructure.messaging.subscriptions import RefusedError, event_types_of
from app.shared.infrastructure.statements import Statements

dead = typer.Typer(no_args_is_help=True, help="Deliveries that failed for good.")

TITLES = ("position", "subscriber", "event", "key", "attempts", "died", "last error")

Position = Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="As in `dead list`.")]
Subscriber = Annotated[str, typer.Argument(help="As in `dead list`.")]
OnePosition = Annotated[int | None, typer.Argument(min=1, max=2**63 - 1, help="As in `dead list`.")]
OneSubscriber = Annotated[str | None, typer.Argument(help="As in `dead list`.")]
Of = Annotated[str | None, typer.Option("--subscriber", help="Whose, together with --all.")]
Every = Annotated[bool, typer.Option("--all", help="All of a subscriber's dead letters at once.")]


@dead.command("list")
def list_dead(
    subscriber: Annotated[str | None, typer.Option(help="Only this one's.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """Show dead letters, by subscriber, the oldest first. Times are UTC."""
    kernel = load_kernel()
    letters = run(asking(kernel, _listed(kernel.reader(), subscriber, limit + 1)))
    if as_json:
        show_json(letters[:limit])
        return
    show_table(
        TITLES,
        [
            (
                letter.position,
                letter.subscriber,
                f"{letter.type} v{letter.version}",
                letter.key,
                letter.attempts,
                letter.dead_at,
                letter.last_error,
            )
            for letter in letters[:limit]
        ],
    )
    if len(letters) > limit:
        typer.echo(f"there are more than {limit}: --limit shows them", err=True)


@dead.command("show")
def show_dead(position: Position, subscriber: Subscriber, as_json: AsJson = False) -> None:
    """Show a dead letter with its event."""
    kernel = load_kernel()
    letter = run(asking(kernel, _found(kernel.reader(), position, subscriber)))
    if as_json:
        show_json(letter)
        return
    show_facts(
        [
            ("subscriber", letter.subscriber),
            ("event", f"{letter.type} v{letter.version}"),
            ("event id", letter.event_id),
            ("position", letter.position),
            ("key", letter.key),
            ("occurred", letter.occurred_at),
            ("attempts", letter.attempts),
            ("died", letter.dead_at),
            ("last error", letter.last_error),
        ],
    )
    for name, value in (("meta", letter.meta), ("payload", letter.payload)):
        typer.echo(f"{name} {json.dumps(value, indent=2)}")


@dead.command("revive")
def revive_dead(
    position: OnePosition = None,
    subscriber: OneSubscriber = None,
    of: Of = None,
    every: Every = False,
    as_json: AsJson = False,
) -> None:
    """Owe one dead letter, or all of a subscriber's, again, with all attempts.

    Later events of the key that went on meanwhile are not delivered again.
    """
    at, whose = _target(position, subscriber, of, every=every)
    kernel = load_kernel()
    _tell("revived", run(asking(kernel, _revived(kernel.statements(), at, whose))), as_json)


@dead.command("discard")
def discard_dead(
    position: OnePosition = None,
    subscriber: OneSubscriber = None,
    of: Of = None,
    every: Every = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Give up one dead letter, or all of a subscriber's. What they held back goes on."""
    at, whose = _target(position, subscriber, of, every=every)
    kernel = load_kernel()
    if at is None:
        run(asking(kernel, event_types_of(kernel.reader(), whose)))
        confirm(f"Discard all dead letters of {whose}?", yes=yes)
    _tell("discarded", run(asking(kernel, _discarded(kernel.statements(), at, whose))), as_json)


def _target(
    position: int | None, subscriber: str | None, of: str | None, *, every: bool
) -> tuple[int | None, str]:
    match position, subscriber, of, every:
        case int(), str(), None, False:
            return position, subscriber
        case None, None, str(), True:
            return None, of
        case _:
            raise RefusedError("say POSITION and SUBSCRIBER, or --subscriber NAME --all")


async def _listed(reader: Reader, subscriber: str | None, limit: int) -> list[DeadLetter]:
    if subscriber is not None:
        await event_types_of(reader, subscriber)
    return await dead_letters.dead_letters(reader, subscriber, limit=limit)


async def _found(reader: Reader, position: int, subscriber: str) -> DeadLetter:
    await event_types_of(reader, subscriber)
    letter = await dead_letters.dead_letter(reader, position, subscriber)
    if letter is None:
        raise _none(position, subscriber)
    return letter


async def _revived(statements: Statements, position: int | None, subscriber: str) -> int:
    await event_types_of(statements, subscriber)
    if position is None:
        return await dead_letters.revive_all(statements, subscriber)
    if not await dead_letters.revive(statements, position, subscriber):
        raise _none(position, subscriber)
    return 1


async def _discarded(statements: Statements, position: int | None, subscriber: str) -> int:
    await event_types_of(statements, subscriber)
    if position is None:
        return await dead_letters.discard_all(statements, subscriber)
    if not await dead_letters.discard(statements, position, subscriber):
        raise _none(position, subscriber)
    return 1


def _none(position: int, subscriber: str) -> RefusedError:
    return RefusedError(f"{subscriber} has no dead letter at position {position}")


def _tell(what: str, count: int, as_json: bool) -> None:  # as the option comes
    if as_json:
        show_json({what: count})
    else:
        typer.echo(f"{what} {count}")
