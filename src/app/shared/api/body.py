"""The parent of request bodies."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class RequestBody(BaseModel):
    """Takes exactly the members that it names, of exactly their types.

    JSON has no ids and no dates: declare those as `Annotated[UUID, Field(strict=False)]`.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)
