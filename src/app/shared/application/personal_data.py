"""What the modules keep of a person, for that person to take along (GDPR, Articles 15 and 20)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol, TypeAlias, runtime_checkable
from uuid import UUID

from app.shared.application.composition import CompositionError
from app.shared.domain.errors import UnavailableError

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"


def json_time(moment: datetime) -> str:
    """As every answer has times: in UTC, with a Z (RFC 3339)."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


class DuplicateSectionError(CompositionError):
    """Two modules claim one section of the export, so one would hide the other."""


class ExportIncompleteError(UnavailableError):
    """A module could not say what it keeps, and a part is not handed out for the whole."""

    code = "export_incomplete"
    detail = "The export cannot be made completely now; try again later."


@runtime_checkable
class PersonalData(Protocol):
    """One module's part: everything that it keeps of an account's owner, in types of JSON."""

    async def of(self, account_id: UUID) -> Mapping[str, Json]:
        """Nothing, when there is nothing."""
        ...


class Exports:
    """The parts of all modules, by the names of their sections."""

    def __init__(self) -> None:
        self.sources: Mapping[str, PersonalData] = {}
        """Complete as soon as the process is composed."""

    def gather(self, parts: Sequence[Mapping[str, PersonalData]]) -> None:
        """Raises `DuplicateSectionError`."""
        sources: dict[str, PersonalData] = {}
        for part in parts:
            if twice := sources.keys() & part.keys():
                raise DuplicateSectionError(
                    f"two modules export personal data as {', '.join(sorted(twice))}"
                )
            sources |= part
        self.sources = sources

    async def of(self, account_id: UUID) -> dict[str, Mapping[str, Json]]:
        """Everything, one module after the other: an export is no reason to hurry."""
        return {section: await source.of(account_id) for section, source in self.sources.items()}
