"""GET /auth/activity."""

from __future__ import annotations

from fastapi import Response

from app.modules.auth.application.queries.list_my_activity import (
    ActivityView,
    ListMyActivity,
    ListMyActivityHandler,
)
from app.shared.api.caller import Caller
from app.shared.api.inject import Inject
from app.shared.api.paging import Cursor, Limit
from app.shared.api.refusals import refusals
from app.shared.api.strict_json import module_router
from app.shared.application.paging import CursorInvalidError, Page

router = module_router("/api/v1/auth", tags=["auth"])


@router.get("/activity", responses=refusals(CursorInvalidError))
async def list_activity(
    caller: Caller,
    response: Response,
    handle: Inject[ListMyActivityHandler],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ActivityView]:
    """What happened to one's own account, the latest first."""
    response.headers["Cache-Control"] = "no-store"
    return await handle(ListMyActivity(caller=caller, limit=limit, cursor=cursor))
