"""Lists in pages: each goes on where the one before ended, whatever was added or deleted since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

from app.shared.domain.errors import InvalidError

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[_Item]):
    """Some of a list."""

    items: list[_Item]
    next_cursor: str | None
    """What to ask for the next page with; null at the end of the list."""


class CursorInvalidError(InvalidError):
    """Not ours, of another list, or of another question to this one."""

    code = "cursor_invalid"
    detail = "This cursor was not given for this list with this search and order; start again."
    pointer = "/query/cursor"


@runtime_checkable
class Cursors(Protocol):
    """Turns the place where a page ended into text that only we can read or make.

    `of` says which list it is a place in and what was asked of it: where a sort key is compared
    with keys of another order, pages would overlap or leave things out.
    """

    def seal(self, place: Sequence[str], *, of: Sequence[str]) -> str: ...

    def open(self, cursor: str, *, of: Sequence[str]) -> list[str]:
        """The place; raises `CursorInvalidError` for what was not sealed with the same `of`."""
        ...
