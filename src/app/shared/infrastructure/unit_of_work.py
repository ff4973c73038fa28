"""The unit of work on SQLAlchemy: changed aggregates and their events in one commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from app.shared.application.database_errors import DatabaseUnavailableError
from app.shared.application.idempotency import Answer, IdempotencyKey
from app.shared.application.principal import Principal
from app.shared.application.unit_of_work import UnitOfWork
from app.shared.domain.aggregate import Aggregate
from app.shared.domain.errors import DomainError
from app.shared.domain.event import Event
from app.shared.infrastructure.fail_points import fail_point
from app.shared.infrastructure.idempotency.remembering import remember
from app.shared.infrastructure.outages import is_outage

Publish = Callable[[AsyncSession, Sequence[Event]], Awaitable[None]]
"""Stores events and the deliveries that they owe, in the session's transaction."""


def open_session(engine: AsyncEngine) -> AsyncSession:
    """A session that keeps every aggregate it meets, so that no recorded event is lost."""
    session = AsyncSession(engine, expire_on_commit=False)
    session.sync_session.info["aggregates"] = []
    return session


def _keep(session: Session, instance: Any) -> None:
    if isinstance(instance, Aggregate) and "aggregates" in session.info:
        session.info["aggregates"].append(instance)


event.listen(Session, "loaded_as_persistent", _keep)
event.listen(Session, "after_attach", _keep)


def recorded_events(session: AsyncSession) -> list[Event]:
    """What the session's aggregates recorded since the last call, in the order they were met."""
    return [
        fact
        for aggregate in session.sync_session.info["aggregates"]
        for fact in aggregate.collect_events()
    ]


def refusal_of(
    error: IntegrityError, refusals: Mapping[str, type[DomainError]]
) -> DomainError | None:
    """The domain error that stands for the violated constraint, by the constraint's name."""
    constraint = getattr(error.orig.__cause__, "constraint_name", None) if error.orig else None
    refusal = refusals.get(constraint or "")
    return refusal() if refusal else None


class SqlAlchemyUnitOfWork(UnitOfWork):
    """The parent of the modules' units of work, which add repositories in `_open`."""

    refusals: Mapping[str, type[DomainError]] = {}
    """Constraint name → what its violation means; check-then-insert races end as that error."""

    def __init__(self, engine: AsyncEngine, publish: Publish, ring: Callable[[], None]) -> None:
        self._engine = engine
        self._publish = publish
        self._ring = ring

    def _open(self, session: AsyncSession) -> None:
        """Make the repositories on this session."""

    async def __aenter__(self) -> Self:
        self._session = open_session(self._engine)
        self._open(self._session)
        return self

    async def remember(
        self, request: IdempotencyKey | None, *, by: Principal | None, answer: Answer
    ) -> Answer | None:
        if request is None:
            return None
        return await remember(self._session, request, by=by, answer=answer)

    async def commit(self) -> None:
        """Flush first: the rows' locks are held before the events are numbered.

        Raises the module's own refusal for a violated constraint.
        """
        try:
            await self._session.flush()
            events = recorded_events(self._session)
            if events:
                await self._publish(self._session, events)
                fail_point("before_commit")
            await self._session.commit()
        except IntegrityError as error:
            if refusal := refusal_of(error, self.refusals):
                raise refusal from error
            raise
        if events:
            fail_point("after_commit")
            self._ring()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._session.close()
        except Exception as error:
            if not is_outage(error):
                raise
        if is_outage(exc):
            raise DatabaseUnavailableError(retry_after=1) from exc
