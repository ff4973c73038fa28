"""How a route asks for a page of a list: `?limit&cursor&q`."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import StringConstraints

from app.shared.api.strict_json import Text

Limit = Annotated[int, Query(ge=1, le=200, description="How many at the most.")]
Cursor = Annotated[
    Annotated[str, StringConstraints(max_length=2048)] | None,
    Query(description="`next_cursor` of the page before, under the same search and order."),
]
Search = Annotated[Text, Query(max_length=100, description="What to look for, in any case.")]
