"""The parents of request bodies, and what JSON has no type for."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

_RFC_3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_DATABASE_ENDS = datetime(9999, 1, 1, tzinfo=UTC)
"""Later, in one zone or another, is a year of five digits."""


def _written_out(value: Any) -> Any:
    """Pydantic by itself also takes numbers, bare dates and seconds in a string."""
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise PydanticCustomError("datetime_type", "not a date and time")
    return value


def _in_utc(value: datetime) -> datetime:
    # In one zone or another the first day began in a year that there is not.
    return max(value, _BEGINNING).astimezone(UTC)


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_written_out),
    Field(strict=False, lt=_DATABASE_ENDS),
    AfterValidator(_in_utc),
]
"""A date and time with its zone (RFC 3339), from here on in UTC as in every answer."""


class RequestBody(BaseModel):
    """Takes exactly the members that it names, of exactly their types.

    JSON has no ids and no dates: declare those as `Annotated[UUID, Field(strict=False)]` and
    `Moment`.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


def _without_defaults(schema: dict[str, Any]) -> None:
    for member in schema.get("properties", {}).values():
        member.pop("default", None)


class PatchBody(RequestBody):
    """Takes what is to change; what is left out stays as it is (RFC 7396).

    Its description names no defaults: a generated client would send them, and change everything.
    """

    model_config = ConfigDict(json_schema_extra=_without_defaults)
