"""/auth/accounts: what administrators see of accounts and do to them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field

from app.modules.auth.application.commands.change_roles import ChangeRoles, ChangeRolesHandler
from app.modules.auth.application.commands.disable_account import (
    DisableAccount,
    DisableAccountHandler,
)
from app.modules.auth.application.commands.enable_account import (
    EnableAccount,
    EnableAccountHandler,
)
from app.modules.auth.application.commands.revoke_account_sessions import (
    RevokeAccountSessions,
    RevokeAccountSessionsHandler,
)
from app.modules.auth.application.queries.list_accounts import (
    ListAccounts,
    ListAccountsHandler,
    ListedAccountView,
)
from app.modules.auth.domain.account import AccountStatus, Role
from app.modules.auth.domain.administration import AccountNotFoundError, LastAdministratorError
from app.shared.api.body import RequestBody
from app.shared.api.caller import FreshCaller
from app.shared.api.inject import Inject
from app.shared.api.paging import Cursor, Limit, Search
from app.shared.api.refusals import refusals
from app.shared.api.strict_json import module_router
from app.shared.application.paging import CursorInvalidError, Page

router = module_router("/api/v1/auth/accounts", tags=["administration"])

_UNKNOWN = refusals(AccountNotFoundError)
_UNKNOWN_OR_LAST = refusals(AccountNotFoundError, LastAdministratorError)


class Roles(RequestBody):
    roles: Annotated[
        list[Annotated[Role, Field(strict=False)]],
        Field(max_length=20, description="All that the account is to have; `user` it always has."),
    ]


@router.get("", responses=refusals(CursorInvalidError))
async def list_accounts(
    caller: FreshCaller,
    response: Response,
    handle: Inject[ListAccountsHandler],
    limit: Limit = 50,
    cursor: Cursor = None,
    q: Search = "",
    status: Annotated[AccountStatus | None, Query(description="Only those.")] = None,
) -> Page[ListedAccountView]:
    """All accounts, the newest first; `q` is part of an address."""
    response.headers["Cache-Control"] = "no-store"
    return await handle(ListAccounts(caller=caller, limit=limit, cursor=cursor, q=q, status=status))


@router.post("/{account_id}/disable", status_code=204, responses=_UNKNOWN_OR_LAST)
async def disable_account(
    account_id: UUID, caller: FreshCaller, handle: Inject[DisableAccountHandler]
) -> None:
    """Let nobody in any more, and put out whoever is in."""
    await handle(DisableAccount(caller, account_id))


@router.post("/{account_id}/enable", status_code=204, responses=_UNKNOWN)
async def enable_account(
    account_id: UUID, caller: FreshCaller, handle: Inject[EnableAccountHandler]
) -> None:
    """Let its owner log in again; what was issued before stays void."""
    await handle(EnableAccount(caller, account_id))


@router.put("/{account_id}/roles", status_code=204, responses=_UNKNOWN_OR_LAST)
async def change_roles(
    account_id: UUID, body: Roles, caller: FreshCaller, handle: Inject[ChangeRolesHandler]
) -> None:
    """Change what an account may do; its sessions end, because tokens name roles."""
    await handle(ChangeRoles(caller, account_id, frozenset(body.roles)))


@router.delete("/{account_id}/sessions", status_code=204, responses=_UNKNOWN)
async def revoke_account_sessions(
    account_id: UUID, caller: FreshCaller, handle: Inject[RevokeAccountSessionsHandler]
) -> None:
    """End every session of an account."""
    await handle(RevokeAccountSessions(caller, account_id))
