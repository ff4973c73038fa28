"""GET /auth/account."""

from __future__ import annotations

from fastapi import Response

from app.modules.auth.application.queries.get_account import (
    AccountView,
    GetAccount,
    GetAccountHandler,
)
from app.shared.api.caller import Caller
from app.shared.api.inject import Inject
from app.shared.api.strict_json import module_router

router = module_router("/api/v1/auth", tags=["auth"])


@router.get("/account")
async def get_account(
    caller: Caller, response: Response, handle: Inject[GetAccountHandler]
) -> AccountView:
    """One's own account."""
    response.headers["Cache-Control"] = "no-store"
    return await handle(GetAccount(caller.account_id))
