"""The unit of work: the transaction, the only thing with a lifetime."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from app.shared.application.idempotency import Answer, IdempotencyKey
from app.shared.application.principal import Principal


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

    async def remember(
        self, request: IdempotencyKey | None, *, by: Principal | None, answer: Answer
    ) -> Answer | None:
        """The answer that the same request got before. None when it is the first of its kind: it
        is remembered with its answer by the commit, while others of its kind wait here. A request
        without a key is always the first.

        Comes before everything else in the transaction. Raises `IdempotencyKeyReusedError`.
        """
        ...
