"""The unit of work: the transaction, the only thing with a lifetime."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self


class UnitOfWork(Protocol):
    """One transaction and the repositories that live in it.

    Leaving without `commit` rolls back. A commit stores the changed aggregates together with the
    events that they recorded, or nothing at all.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    async def commit(self) -> None: ...
