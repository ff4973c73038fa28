"""The modules' parts of an export, put together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from app.shared.application.composition import CompositionError
from app.shared.application.personal_data import (
    DuplicateSectionError,
    Exports,
    Json,
    PersonalData,
    json_time,
)
from app.shared.domain.ids import new_id


class Kept(PersonalData):
    """A module that keeps one thing of everybody."""

    def __init__(self, what: str) -> None:
        self._what = what

    async def of(self, account_id: UUID) -> Mapping[str, Json]:
        return {self._what: str(account_id)}


async def test_an_export_has_the_part_of_every_module() -> None:
    exports, account_id = Exports(), new_id()
    exports.gather([{"auth": Kept("account")}, {"users": Kept("profile")}])

    exported = await exports.of(account_id)

    assert exported == {
        "auth": {"account": str(account_id)},
        "users": {"profile": str(account_id)},
    }


def test_two_modules_cannot_be_one_section() -> None:
    with pytest.raises(DuplicateSectionError, match="two modules export personal data as users"):
        Exports().gather([{"users": Kept("profile")}, {"users": Kept("orders")}])

    assert issubclass(DuplicateSectionError, CompositionError)


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=2))])
def test_a_time_is_written_in_utc_with_a_z(zone: timezone) -> None:
    moment = datetime(2026, 1, 1, 12, tzinfo=UTC).astimezone(zone)

    assert json_time(moment) == "2026-01-01T12:00:00Z"
