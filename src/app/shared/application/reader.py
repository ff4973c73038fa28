"""The read side: SQL in, rows out, and no way to write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable


class Row(Protocol):
    """Values by the names of their columns; `View(**row)` makes a view of it."""

    def __getitem__(self, column: str, /) -> Any: ...

    def keys(self) -> Iterable[str]: ...


@runtime_checkable
class Reader(Protocol):
    """Runs one SELECT with `$1` parameters, outside of any unit of work.

    A query handler keeps its SQL beside its view and reads its own module's tables only. Every
    method raises `UnavailableError` when the database cannot be asked.
    """

    async def row(self, sql: str, *args: Any) -> Row | None: ...

    async def rows(self, sql: str, *args: Any) -> Sequence[Row]: ...
