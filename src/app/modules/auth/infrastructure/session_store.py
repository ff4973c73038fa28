"""Opening and advancing sessions, each as one statement."""

from __future__ import annotations

from uuid import UUID

from app.modules.auth.application.ports import SessionStore
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import SessionGrant
from app.modules.auth.infrastructure.revocation_list import RevocationList
from app.shared.infrastructure.statements import Statements

_OPEN = """
with gone as (
  delete from auth.session where id in (
    select id from auth.session where account_id = $2
    order by (revoked_at is null and idle_expires_at > clock_timestamp()) desc, rotated_at desc
    offset $17
  )
  returning id
), noted as (
  insert into auth.revocation (account_id, session_id) select $2, id from gone
), opened as (
  insert into auth.session (
    id, account_id, epoch, kid, generation, parent, confirmed_generation, recoveries,
    created_at, rotated_at, parent_rotated_at, idle_expires_at, absolute_expires_at,
    label, user_agent, ip
  ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
)
select id from gone
"""

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


class AsyncpgSessionStore(SessionStore):
    """One round trip each, without a unit of work."""

    def __init__(
        self, statements: Statements, policy: RefreshPolicy, revoked: RevocationList
    ) -> None:
        self._statements = statements
        self._policy = policy
        self._revoked = revoked

    async def open(self, session: Session) -> None:
        s = session
        gone = await self._statements.rows(
            _OPEN,
            *(s.id, s.account_id, s.epoch, s.kid, s.generation, s.parent),
            *(s.confirmed_generation, s.recoveries, s.created_at, s.rotated_at),
            *(s.parent_rotated_at, s.idle_expires_at, s.absolute_expires_at),
            *(s.label, s.user_agent, s.ip, self._policy.max_sessions - 1),
        )
        for row in gone:
            self._revoked.add(Revocation(account_id=s.account_id, session_id=row["id"]))

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
