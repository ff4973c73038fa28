"""Remembers a request in the transaction of its effect: both are stored, or neither is."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.shared.application.idempotency import (
    Answer,
    IdempotencyKey,
    IdempotencyKeyReusedError,
)
from app.shared.application.principal import Principal
from app.shared.infrastructure.idempotency.tables import idempotency_key as known


async def remember(
    session: AsyncSession, request: IdempotencyKey, *, by: Principal | None, answer: Answer
) -> Answer | None:
    """See `UnitOfWork.remember`.

    Of requests that come at once one inserts the row. The others wait in their insert until its
    transaction has ended: then there is an answer to read, or one of them is the first.
    """
    key = request.digest(by)
    claim = (
        insert(known)
        .values(key=key, fingerprint=request.fingerprints[0], answer=dict(answer))
        .on_conflict_do_nothing()
        .returning(known.c.key)
    )
    read = select(known.c.fingerprint, known.c.answer).where(known.c.key == key)
    while (await session.execute(claim)).first() is None:
        # Nothing to read either means that it was forgotten in between.
        if earlier := (await session.execute(read)).first():
            if earlier.fingerprint not in request.fingerprints:
                raise IdempotencyKeyReusedError
            stored: Answer = earlier.answer
            return stored
    return None
