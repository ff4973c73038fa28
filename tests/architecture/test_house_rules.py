"""The rules of the house that no linter knows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, Protocol, get_type_hints

import pytest

from app.shared.application.handler import handler
from tests.architecture.product import (
    ROOT,
    SOURCE,
    bounded_contexts,
    classes,
    is_frozen,
    is_slotted,
    use_cases,
)

MOST_LINES = 200
VAGUE = re.compile(
    r"_*(utils?|helpers?|commons?|misc|base|manager|types|core)\.py|(utils?|helpers?)"
)
VAGUE_CLASS = re.compile(r"Abstract|Base$|^I[A-Z][a-z]|Impl$|Manager$|Service$|Util|Helper")
STAND_IN = re.compile(
    r"SqlAlchemy|Asyncpg|Argon2|Jwt|Hmac|Jinja|NatsJetStream|Smtp|Folder|Fake|InMemory"
)
"""What a class is called that does the work of a port."""
SECRET = re.compile(r"password|token|secret|email")
"""What a message's member is called that no log and no traceback may show."""

CONTEXTS = bounded_contexts()
SOURCES = sorted(
    path
    for folder in ("src", "tools", "bench", "examples")
    for path in (ROOT / folder).rglob("*.py")
)
HANDLERS = [case for context in CONTEXTS for case in use_cases(context)]


def messages(context: str) -> list[type]:
    """What a module can be told or asked: the dataclasses beside the handlers.

    An enumeration is a word of theirs, frozen as it is.
    """
    return [
        found
        for kind in ("commands", "queries")
        for found in classes(f"app.modules.{context}.application.{kind}")
        if "__call__" not in vars(found) and not issubclass(found, Enum)
    ]


def names(found: Iterable[type]) -> list[str]:
    return [one.__qualname__ for one in found]


def test_no_file_is_long() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in SOURCES}

    assert {
        str(path.relative_to(ROOT)) for path, length in lengths.items() if length > MOST_LINES
    } == set()


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [str(path) for path in SOURCES if VAGUE.fullmatch(path.name)] == []
    assert [str(path) for path in SOURCES if VAGUE.fullmatch(path.parent.name)] == []


def test_no_class_has_a_name_that_says_nothing() -> None:
    assert names(found for found in classes() if VAGUE_CLASS.search(found.__name__)) == []


def test_every_folder_of_source_is_a_package() -> None:
    """Otherwise the import rules would not see what is in it."""
    folders = {path.parent for path in SOURCE.rglob("*.py")}

    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_nothing_is_imported_by_a_computed_name() -> None:
    """The import rules would not see it."""
    computed = re.compile(r"\b(import_module|__import__|find_spec)\b")

    assert [str(path) for path in SOURCE.rglob("*.py") if computed.search(path.read_text())] == []


def test_adapters_and_fakes_name_the_port_that_they_implement() -> None:
    worlds = {f"InMemory{context.capitalize()}" for context in CONTEXTS}
    stand_ins = [
        found
        for found in (*classes("app.modules"), *classes("app.shared.infrastructure"))
        if STAND_IN.match(found.__name__) and found.__name__ not in worlds and not is_frozen(found)
    ]

    assert len(stand_ins) > 15
    assert names(found for found in stand_ins if not ports_of(found)) == []


def ports_of(found: type) -> list[type]:
    ancestors: list[Any] = [one for one in found.__mro__[1:] if one is not Protocol]
    return [one for one in ancestors if getattr(one, "_is_protocol", False)]


def test_a_class_that_only_looks_like_a_port_implements_none() -> None:
    class SqlAlchemyClock:
        """Has the methods, and nobody promised to keep them."""

        def now(self) -> None: ...

    assert ports_of(SqlAlchemyClock) == []


@pytest.mark.parametrize("case", HANDLERS, ids=lambda case: case.__name__)
def test_a_use_case_is_a_frozen_dataclass_made_by_the_decorator(case: Any) -> None:
    assert is_frozen(case)
    assert hasattr(case.__call__, "__wrapped__")


def test_a_use_case_without_the_decorator_is_found() -> None:
    class Bare:
        async def __call__(self, message: object) -> None: ...

    assert not is_frozen(Bare)
    assert not hasattr(Bare.__call__, "__wrapped__")
    assert is_frozen(handler(Bare))


@pytest.mark.parametrize("case", HANDLERS, ids=lambda case: case.__name__)
def test_a_use_case_holds_no_other_use_case(case: type) -> None:
    held = [hint for hint in get_type_hints(case).values() if hint in HANDLERS]

    assert names(held) == []


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_file_of_use_cases_holds_one(context: str) -> None:
    for kind in ("commands", "queries", "reactions"):
        folder = SOURCE / "modules" / context / "application" / kind
        files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
        holders = [
            case.__module__.rpartition(".")[2]
            for case in use_cases(context)
            if f".{kind}." in case.__module__
        ]

        assert sorted(holders) == sorted(files)


@pytest.mark.parametrize("context", CONTEXTS)
def test_messages_and_views_are_frozen_and_slotted(context: str) -> None:
    assert names(one for one in messages(context) if not (is_frozen(one) and is_slotted(one))) == []


@pytest.mark.parametrize("context", CONTEXTS)
def test_no_message_shows_a_secret(context: str) -> None:
    assert [shown for message in messages(context) for shown in secrets_shown_by(message)] == []


def secrets_shown_by(message: Any) -> list[str]:
    """Members that `repr` prints although a secret may be in them; a view is made to be shown."""
    return [
        f"{message.__name__}.{member.name}"
        for member in fields(message)
        if SECRET.search(member.name) and member.repr and not message.__name__.endswith("View")
    ]


def test_a_message_that_shows_a_password_is_found() -> None:
    @dataclass(frozen=True, slots=True)
    class ChangePassword:
        password: str = field(repr=False)
        new_password: str

    assert secrets_shown_by(ChangePassword) == ["ChangePassword.new_password"]
