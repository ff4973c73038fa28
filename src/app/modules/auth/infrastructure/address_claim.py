"""The statement that gives an address to a new account, or a mail to the account that has it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Table, bindparam, insert, inspect, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.modules.auth.domain.account import Account
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.modules.auth.infrastructure.mail_table import outgoing_mails
from app.modules.auth.infrastructure.tables import accounts


def _parameters(table: Table) -> dict[str, BindParameter[Any]]:
    return {c.name: bindparam(f"{table.name}_{c.name}", type_=c.type) for c in table.c}


_account, _mail = _parameters(accounts), _parameters(outgoing_mails)
_upsert = pg_insert(accounts).values(_account)
# The update changes nothing: it makes the row that is in the way come back, and locks it.
_claimed = (
    _upsert.on_conflict_do_update(
        index_elements=[accounts.c.email_key], set_={"email_key": _upsert.excluded.email_key}
    )
    .returning(accounts.c.id)
    .cte("claimed")
)
_mail_to_holder = [
    _claimed.c.id if name == "account_id" else parameter for name, parameter in _mail.items()
]
_owed = (
    insert(outgoing_mails)
    .from_select(list(_mail), select(*_mail_to_holder).where(_claimed.c.id != _account["id"]))
    .cte("owed")
)
_CLAIM = select(_claimed.c.id).add_cte(_owed)
"""Made once: a registration has better things to do."""


async def claim(session: AsyncSession, account: Account, mail: OutgoingMail) -> UUID:
    """Whose the address is now. The mail is stored where that is not the account's."""
    holder: UUID = (
        await session.execute(
            _CLAIM, {**_values(accounts, account), **_values(outgoing_mails, mail)}
        )
    ).scalar_one()
    return holder


def _values(table: Table, row: Account | OutgoingMail) -> dict[str, Any]:
    mapper = inspect(type(row))
    return {
        f"{table.name}_{c.name}": getattr(row, mapper.get_property_by_column(c).key)
        for c in table.c
    }
