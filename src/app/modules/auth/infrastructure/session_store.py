"""Opening and advancing sessions, each as one statement."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from asyncpg import ForeignKeyViolationError

from app.modules.auth.application.ports import SessionStore
from app.modules.auth.application.throttling import Reservation
from app.modules.auth.domain.errors import AccountDisabledError
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import SessionGrant
from app.modules.auth.infrastructure.revocation_list import RevocationList
from app.modules.auth.infrastructure.throttle_store import successes, taking_back
from app.shared.infrastructure.statements import Statements

# The account is locked before its sessions, and those in the order of their ids: so does everybody
# who locks several of them.
_OPEN = f"""
-- Store a session, make room for it, and take back what its login was charged.
with owner as materialized (
  select id from auth.account where id = $2 for key share
), gone as (
  delete from auth.session where id in (
    select id from auth.session where id = any(array(
      select s.id from auth.session as s join owner on s.account_id = owner.id
      order by (s.revoked_at is null and s.idle_expires_at > clock_timestamp()) desc,
        s.rotated_at desc
      offset $17
    ))
    order by id for update
  )
  returning id,
    revoked_at is null and idle_expires_at > clock_timestamp() and epoch = $3 as alive
), noted as (
  insert into auth.revocation (account_id, session_id) select $2, id from gone
), opened as (
  insert into auth.session (
    id, account_id, epoch, kid, generation, parent, confirmed_generation, recoveries,
    created_at, rotated_at, parent_rotated_at, idle_expires_at, absolute_expires_at,
    label, user_agent, ip
  ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
), happened as (
  insert into auth.activity (account_id, what, session_id, ip, user_agent)
  select $2, 'session_revoked', id, $16, $15 from gone where alive
  union all
  select $2, 'login', $1, $16, $15
), first as ({taking_back(first=18)}
  returning key
), second as ({taking_back(first=22)} and (select count(*) from first) >= 0
)
select id, alive from gone
"""  # noqa: S608  # made of constants

# Rows 0 and 1 of the rotation table. A concurrent winner makes PostgreSQL look at the row again
# after its commit, and then the generation no longer matches.
_ADVANCE = """
update auth.session as s
set generation = s.generation + 1,
    parent = s.generation,
    kid = $3,
    recoveries = 0,
    parent_rotated_at = s.rotated_at,
    rotated_at = clock_timestamp(),
    idle_expires_at = least(clock_timestamp() + $4::interval, s.absolute_expires_at)
from auth.account as a
where s.id = $1
  and s.generation = $2
  and s.revoked_at is null
  and s.idle_expires_at > clock_timestamp()
  and s.absolute_expires_at > clock_timestamp()
  and a.id = s.account_id
  and a.auth_epoch = s.epoch
  and a.status = 'active'
returning s.account_id, s.epoch, s.created_at, s.idle_expires_at, s.absolute_expires_at, a.roles
"""

_END_BEFORE = """
-- End what began before $3 among the next $2 sessions after $1; the last one looked at.
with looked as materialized (
  select id from auth.session where id > $1 order by id limit $2 for update
), ended as (
  update auth.session as s
  set revoked_at = clock_timestamp(), revocation_reason = 'operator'
  from looked
  where s.id = looked.id and s.revoked_at is null and s.created_at < $3
  returning s.id, s.account_id
), noted as (
  insert into auth.revocation (account_id, session_id) select account_id, id from ended
), happened as (
  insert into auth.activity (account_id, what, session_id)
  select account_id, 'session_revoked', id from ended
)
select (select id from looked order by id desc limit 1) as last,
       (select count(*) from ended) as ended
"""

_BATCH = 500


class AsyncpgSessionStore(SessionStore):
    """One round trip each, without a unit of work."""

    def __init__(
        self, statements: Statements, policy: RefreshPolicy, revoked: RevocationList
    ) -> None:
        self._statements = statements
        self._policy = policy
        self._revoked = revoked

    async def open(self, session: Session, *, settles: tuple[Reservation, ...] = ()) -> list[UUID]:
        s = session
        try:
            gone = await self._statements.rows(
                _OPEN,
                *(s.id, s.account_id, s.epoch, s.kid, s.generation, s.parent),
                *(s.confirmed_generation, s.recoveries, s.created_at, s.rotated_at),
                *(s.parent_rotated_at, s.idle_expires_at, s.absolute_expires_at),
                *(s.label, s.user_agent, s.ip, self._policy.max_sessions - 1),
                *successes(settles),
            )
        except ForeignKeyViolationError:
            raise AccountDisabledError from None
        for row in gone:
            self._revoked.add(Revocation(account_id=s.account_id, session_id=row["id"]))
        return [row["id"] for row in gone if row["alive"]]

    async def end_before(self, moment: datetime) -> int:
        ended, after = 0, UUID(int=0)
        while True:
            walked = await self._statements.row(_END_BEFORE, after, _BATCH, moment)
            if walked is None or walked["last"] is None:
                return ended
            ended += walked["ended"]
            if walked["ended"]:
                self._revoked.announce()
            after = walked["last"]

    async def advance(self, session_id: UUID, generation: int, kid: str) -> SessionGrant | None:
        row = await self._statements.row(
            _ADVANCE, session_id, generation, kid, self._policy.idle_lifetime
        )
        if row is None:
            return None
        return SessionGrant(
            session_id=session_id,
            account_id=row["account_id"],
            generation=generation + 1,
            kid=kid,
            epoch=row["epoch"],
            roles=frozenset(row["roles"]),
            authenticated_at=row["created_at"],
            idle_expires_at=row["idle_expires_at"],
            absolute_expires_at=row["absolute_expires_at"],
        )
