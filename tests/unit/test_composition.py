"""What modules declare and cannot have is one line to whoever starts the process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import pytest

import app.cli
from app.shared.application.composition import CompositionError
from app.shared.application.event_bus import Effect, EventBus
from app.shared.application.schedule import Job
from app.shared.domain.event import Event
from app.shared.infrastructure.messaging.codec import EventCodec
from tools import event_schemas


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted(Event):
    name: ClassVar[str] = "post.posted"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedToo(Event):
    name: ClassVar[str] = "post.posted"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedAnew(Event):
    name: ClassVar[str] = "post.posted_anew"
    version: ClassVar[int] = 2


class Nameless(Event):
    """Says no name."""


async def nothing(*_: Any) -> None:
    """What a subscriber and a job do here."""


def subscriber(*, max_attempts: int = 8) -> Effect:
    return Effect(name="post.tell", event=Posted, handler=nothing, max_attempts=max_attempts)


MISTAKES: list[tuple[Callable[[], object], str]] = [
    (lambda: EventBus([subscriber(), subscriber()]), "two subscribers are called post.tell"),
    (
        lambda: subscriber(max_attempts=0),
        "subscriber post.tell: `max_attempts` is not from 1 to 32767",
    ),
    (
        lambda: EventCodec([Posted, PostedToo]),
        f"two events are called post.posted: {__name__}.Posted and {__name__}.PostedToo",
    ),
    (lambda: EventCodec([Nameless]), "Nameless has no `name` of its own"),
    (
        lambda: EventCodec([PostedAnew]),
        "post.posted_anew is at version 2 and has no upcaster from version 1",
    ),
    (
        lambda: Job(name="post.sweep", work=nothing, every=timedelta(0)),
        "job post.sweep: `every` is less than a second",
    ),
]


@pytest.mark.parametrize(("make", "line"), MISTAKES, ids=[line for _, line in MISTAKES])
def test_a_mistake_in_a_module_is_one_line_of_the_command(
    make: Callable[[], object],
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(app.cli, "cli", make)

    with pytest.raises(SystemExit) as ended:
        app.cli.main()

    assert ended.value.code == 1
    assert capsys.readouterr().err == f"app: {line}\n"


def test_a_mistake_in_a_module_is_one_line_of_the_schemas(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def compose(_: object) -> None:
        raise CompositionError("two subscribers are called post.tell")

    monkeypatch.setattr(event_schemas, "compose", compose)

    assert event_schemas.main() == 1
    assert capsys.readouterr().err == "bulkhead: two subscribers are called post.tell\n"
