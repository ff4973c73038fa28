"""Forgets mails: their addresses are personal, and a day later next to nothing depends on them."""

from __future__ import annotations

from datetime import timedelta

from app.shared.infrastructure.statements import Statements

KEPT = timedelta(days=1)
"""Longer than any token lives, than the hour that mails are counted over, and than an effect
tries to send one."""

# Who asks for another link gets that of the last registration. Were it forgotten, the link would be
# one of the first, which may be a stranger's.
_FORGET = """
-- Delete up to $2 mails that were written more than $1 ago, but for the last registration of an
-- address that nobody has verified.
with old as (
    select m.id from auth.outgoing_mail as m
    where m.created_at < clock_timestamp() - $1::interval
      and not (
        m.password_hash is not null
        and exists (
            select from auth.account as a
            where a.id = m.account_id and a.email_verified_at is null
        )
        and not exists (
            select from auth.outgoing_mail as newer
            where newer.account_id = m.account_id
              and newer.password_hash is not null and newer.created_at > m.created_at
        )
      )
    limit $2
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
