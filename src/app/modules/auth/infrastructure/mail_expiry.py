"""Forgets mails: their addresses are personal, and a day later nothing depends on them."""

from __future__ import annotations

from datetime import timedelta

from app.shared.infrastructure.statements import Statements

KEPT = timedelta(days=1)
"""Longer than any token lives, than the hour that mails are counted over, and than an effect
tries to send one."""

_FORGET = """
-- Delete up to $2 mails that were written more than $1 ago.
with old as (
    select id from auth.outgoing_mail where created_at < clock_timestamp() - $1::interval limit $2
), forgotten as (
    delete from auth.outgoing_mail as m using old where m.id = old.id returning m.id
)
select count(*) from forgotten
"""


class MailExpiry:
    """In batches that are transactions of their own."""

    def __init__(self, statements: Statements, *, batch: int = 1000) -> None:
        self._statements = statements
        self._batch = batch

    async def forget_mails(self) -> int:
        """How many mails were deleted."""
        total = 0
        while True:
            forgotten: int = await self._statements.value(_FORGET, KEPT, self._batch)
            total += forgotten
            if forgotten < self._batch:
                return total
