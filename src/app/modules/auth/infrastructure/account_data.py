"""What `auth` keeps of an account's owner, for them to take along."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from json import loads
from uuid import UUID

from app.shared.application.personal_data import Json, PersonalData, json_time
from app.shared.application.reader import Reader

# Times of refreshes to the hour and no generation, as in the list of sessions: the next refresh is
# not to be guessed from an export that got lost. Of mails no id, which their tokens are made from;
# those without an address are not written yet.
_SQL = """
-- Everything that is kept of the account $1, as of one moment; no hash and no secret.
select jsonb_build_object(
    'account', jsonb_build_object(
        'id', a.id, 'email', a.email, 'email_verified_at', a.email_verified_at,
        'roles', a.roles, 'locale', a.locale, 'status', a.status, 'created_at', a.created_at
    ),
    'sessions', coalesce((
        select jsonb_agg(jsonb_build_object(
            'id', s.id, 'label', s.label, 'user_agent', s.user_agent, 'ip', s.ip,
            'created_at', s.created_at,
            'last_used_at', date_trunc('hour', s.rotated_at, 'UTC'),
            'revoked_at', date_trunc('hour', s.revoked_at, 'UTC'),
            'revocation_reason', s.revocation_reason
        ) order by s.created_at desc, s.id)
        from auth.session as s where s.account_id = a.id
    ), '[]'),
    'api_keys', coalesce((
        select jsonb_agg(jsonb_build_object(
            'id', k.id, 'name', k.name, 'scopes', k.scopes, 'created_at', k.created_at,
            'expires_at', k.expires_at, 'last_used_at', k.last_used_at
        ) order by k.created_at desc, k.id)
        from auth.api_key as k where k.account_id = a.id
    ), '[]'),
    'activity', coalesce((
        select jsonb_agg(jsonb_build_object(
            'what', y.what, 'session_id', y.session_id, 'ip', y.ip, 'user_agent', y.user_agent,
            'at', case y.what when 'session_compromised'
                then date_trunc('hour', y.at, 'UTC') else y.at end
        ) order by y.id desc)
        from auth.activity as y where y.account_id = a.id
    ), '[]'),
    'mails', coalesce((
        select jsonb_agg(jsonb_build_object(
            'kind', m.kind, 'address', m.address, 'locale', m.locale,
            'created_at', m.created_at, 'expires_at', m.expires_at
        ) order by m.created_at desc, m.id)
        from auth.outgoing_mail as m where m.account_id = a.id and m.address <> ''
    ), '[]')
)::text as kept
from auth.account as a
where a.id = $1
"""


class SqlAccountData(PersonalData):
    """The account, its sessions, API keys and mails, and what happened to it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def of(self, account_id: UUID) -> Mapping[str, Json]:
        row = await self._reader.row(_SQL, account_id)
        if row is None:
            return {}
        kept: Mapping[str, Json] = loads(row["kept"], object_hook=_with_times)
        return kept


def _with_times(members: dict[str, Json]) -> dict[str, Json]:
    """PostgreSQL writes its times with an offset."""
    return {
        name: json_time(datetime.fromisoformat(value))
        if isinstance(value, str) and (name == "at" or name.endswith("_at"))
        else value
        for name, value in members.items()
    }
