"""The export: everything of every module, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import pytest

from app.modules.auth.application.queries.export_personal_data import (
    ExportPersonalData,
    ExportPersonalDataHandler,
)
from app.shared.application.authorization import AccessForbiddenError
from app.shared.application.database_errors import DatabaseUnavailableError
from app.shared.application.personal_data import ExportIncompleteError, Exports, Json, PersonalData
from app.shared.application.principal import Principal
from app.shared.domain.ids import new_id
from app.shared.testing import FixedClock, as_account


class Kept(PersonalData):
    async def of(self, account_id: UUID) -> Mapping[str, Json]:
        return {"of": str(account_id)}


class Broken(PersonalData):
    def __init__(self, error: Exception) -> None:
        self._error = error

    async def of(self, account_id: UUID) -> Mapping[str, Json]:
        raise self._error


def export_of(**sources: PersonalData) -> ExportPersonalDataHandler:
    exports = Exports()
    exports.sources = sources
    return ExportPersonalDataHandler(exports, FixedClock())


async def test_an_export_has_a_section_for_each_module() -> None:
    caller = as_account()

    export = await export_of(auth=Kept(), users=Kept())(ExportPersonalData(caller))

    mine = {"of": str(caller.account_id)}
    assert export.sections == {"auth": mine, "users": mine}
    assert export.exported_at == FixedClock().now()


@pytest.mark.parametrize("error", [RuntimeError(), DatabaseUnavailableError()])
async def test_an_export_that_would_lack_a_part_is_not_made(error: Exception) -> None:
    export = export_of(auth=Kept(), users=Broken(error))

    with pytest.raises(ExportIncompleteError):
        await export(ExportPersonalData(as_account()))


async def test_an_api_key_exports_nothing() -> None:
    key = Principal(account_id=new_id(), scopes=frozenset({"profile:read"}), fresh=True)

    with pytest.raises(AccessForbiddenError):
        await export_of(auth=Kept())(ExportPersonalData(key))
