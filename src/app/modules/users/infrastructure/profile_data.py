"""What `users` keeps of an account's owner, for them to take along."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from app.shared.application.personal_data import Json, PersonalData, json_time
from app.shared.application.reader import Reader

_SQL = """
-- Everything that a profile says; it is all its owner's.
select display_name, handle, locale, time_zone, bio, avatar_url, created_at, updated_at
from users.profile
where account_id = $1 and erased_at is null
"""


class SqlProfileData(PersonalData):
    """The profile."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def of(self, account_id: UUID) -> Mapping[str, Json]:
        row = await self._reader.row(_SQL, account_id)
        if row is None:
            return {}
        times = {name: json_time(row[name]) for name in ("created_at", "updated_at")}
        return {"profile": {**row, **times}}
