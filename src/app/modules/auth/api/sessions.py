"""GET and DELETE /auth/sessions: the devices that one is logged in on."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Request, Response

from app.modules.auth.api.tokens import device_of
from app.modules.auth.application.commands.revoke_my_sessions import (
    RevokeMySessions,
    RevokeMySessionsHandler,
)
from app.modules.auth.application.commands.revoke_session import (
    RevokeSession,
    RevokeSessionHandler,
)
from app.modules.auth.application.queries.list_my_sessions import (
    ListMySessions,
    ListMySessionsHandler,
    SessionList,
)
from app.modules.auth.domain.errors import SessionNotFoundError
from app.shared.api.caller import Caller, FreshCaller
from app.shared.api.inject import Inject
from app.shared.api.refusals import refusals
from app.shared.api.strict_json import module_router

router = module_router("/api/v1/auth/sessions", tags=["auth"])


@router.get("")
async def list_sessions(
    caller: Caller, response: Response, handle: Inject[ListMySessionsHandler]
) -> SessionList:
    """One's own living sessions, the one used last first. Times of use are rounded to the hour."""
    response.headers["Cache-Control"] = "no-store"
    return await handle(ListMySessions(caller))


@router.delete("/{session_id}", status_code=204, responses=refusals(SessionNotFoundError))
async def revoke_session(
    session_id: UUID,
    caller: FreshCaller,
    request: Request,
    handle: Inject[RevokeSessionHandler],
) -> None:
    """End one of one's own sessions, with its access tokens; as often as you like."""
    await handle(RevokeSession(caller, session_id, device_of(request)))


@router.delete("", status_code=204)
async def revoke_sessions(
    scope: Annotated[
        Literal["others", "all"], Query(description="Whether the one that asks ends as well.")
    ],
    caller: FreshCaller,
    request: Request,
    handle: Inject[RevokeMySessionsHandler],
) -> None:
    """End all of one's own sessions, or all others."""
    await handle(RevokeMySessions(caller, others_only=scope == "others", device=device_of(request)))
