"""Forgets requests that nobody sends again."""

from __future__ import annotations

from datetime import timedelta

from app.shared.infrastructure.statements import Statements

KEPT = timedelta(hours=24)
"""How long a request is known again."""

_FORGET = """
-- Delete up to $2 of the oldest requests from before $1 ago.
with old as (
    select key from http.idempotency_key where created_at < clock_timestamp() - $1::interval
    order by created_at limit $2 for update skip locked
), forgotten as (
    delete from http.idempotency_key as k using old where k.key = old.key returning k.key
)
select count(*) from forgotten
"""


async def forget_requests(statements: Statements, *, batch: int = 1000) -> int:
    """How many were forgotten, in batches that are transactions of their own."""
    total = 0
    while True:
        forgotten: int = await statements.value(_FORGET, KEPT, batch)
        total += forgotten
        if forgotten < batch:
            return total
