"""The export: everything of every module, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from app.modules.auth.application.commands.export_personal_data import (
    ExportPersonalData,
    ExportPersonalDataHandler,
)
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.errors import SessionRevokedError
from app.modules.auth.domain.session_values import Device
from app.modules.auth.testing import InMemoryAuth
from app.shared.application.authorization import AccessForbiddenError
from app.shared.application.database_errors import DatabaseUnavailableError
from app.shared.application.personal_data import ExportIncompleteError, Exports, Json, PersonalData
from app.shared.application.principal import Principal
from app.shared.domain.ids import new_id
from app.shared.testing import as_account
from tests.factories import AccountFactory

PHONE = Device(user_agent="phone/1.0", ip="192.0.2.1")


class Kept(PersonalData):
    async def of(self, account_id: UUID) -> Mapping[str, Json]:
        return {"of": str(account_id)}


class Broken(PersonalData):
    def __init__(self, error: Exception) -> None:
        self._error = error

    async def of(self, account_id: UUID) -> Mapping[str, Json]:
        raise self._error


@pytest.fixture
def auth() -> InMemoryAuth:
    return InMemoryAuth()


@pytest.fixture
def caller(auth: InMemoryAuth) -> Principal:
    account = auth.accounts.put(AccountFactory.build())
    return replace(as_account(account.id), session_id=new_id())


def export_of(of: InMemoryAuth, **sources: PersonalData) -> ExportPersonalDataHandler:
    exports = Exports()
    exports.sources = sources
    return ExportPersonalDataHandler(of.uow, exports, of.clock)


async def test_an_export_has_a_section_for_each_module(
    auth: InMemoryAuth, caller: Principal
) -> None:
    export = await export_of(auth, auth=Kept(), users=Kept())(ExportPersonalData(caller))

    mine = {"of": str(caller.account_id)}
    assert export.sections == {"auth": mine, "users": mine}
    assert export.exported_at == auth.clock.now()


async def test_an_export_leaves_a_line_for_the_owner_and_one_in_the_log(
    auth: InMemoryAuth, caller: Principal
) -> None:
    with capture_logs() as lines:
        await export_of(auth, auth=Kept())(ExportPersonalData(caller, PHONE))

    assert auth.activity == [
        Activity.of(caller.account_id, ActivityKind.DATA_EXPORTED, PHONE, caller.session_id)
    ]
    assert [(line["what"], line["outcome"]) for line in lines if "what" in line] == [
        ("export", "done")
    ]


@pytest.mark.parametrize("error", [RuntimeError(), DatabaseUnavailableError()])
async def test_an_export_that_would_lack_a_part_is_not_made(
    auth: InMemoryAuth, caller: Principal, error: Exception
) -> None:
    export = export_of(auth, auth=Kept(), users=Broken(error))

    with pytest.raises(ExportIncompleteError):
        await export(ExportPersonalData(caller))

    assert auth.activity == []


async def test_an_account_that_is_gone_meanwhile_is_exported_to_nobody_and_leaves_no_line(
    auth: InMemoryAuth,
) -> None:
    with pytest.raises(SessionRevokedError):
        await export_of(auth, auth=Kept())(ExportPersonalData(as_account()))

    assert auth.activity == []


async def test_an_api_key_exports_nothing(auth: InMemoryAuth) -> None:
    key = Principal(account_id=new_id(), scopes=frozenset({"profile:read"}), fresh=True)

    with pytest.raises(AccessForbiddenError):
        await export_of(auth, auth=Kept())(ExportPersonalData(key))
