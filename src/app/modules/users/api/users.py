"""GET /users and GET /users/{account_id}."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from app.modules.users.application.profile_view import ProfileView
from app.modules.users.application.queries.get_user import GetUser, GetUserHandler
from app.modules.users.application.queries.list_users import (
    ListUsers,
    ListUsersHandler,
    UserOrder,
    UserView,
)
from app.modules.users.domain.errors import UserNotFoundError
from app.shared.api.caller import FreshCaller
from app.shared.api.etag import VERSIONED, etag
from app.shared.api.inject import Inject
from app.shared.api.paging import Cursor, Limit, Search
from app.shared.api.refusals import refusals
from app.shared.api.strict_json import module_router
from app.shared.application.paging import CursorInvalidError, Page

router = module_router("/api/v1/users", tags=["users"])


@router.get("", responses=refusals(CursorInvalidError))
async def list_users(
    caller: FreshCaller,
    response: Response,
    list_: Inject[ListUsersHandler],
    q: Search = "",
    sort: UserOrder = UserOrder.NEWEST_FIRST,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[UserView]:
    """All users, for administrators: a search in names and handles, in one of six orders."""
    response.headers["Cache-Control"] = "no-store"
    return await list_(ListUsers(caller=caller, q=q, sort=sort, limit=limit, cursor=cursor))


@router.get("/{account_id}", responses={200: VERSIONED, **refusals(UserNotFoundError)})
async def get_user(
    account_id: UUID, caller: FreshCaller, response: Response, get: Inject[GetUserHandler]
) -> ProfileView:
    """One's own profile or, for administrators, anybody's; whoever may not see it gets 404."""
    profile = await get(GetUser(caller, account_id))
    response.headers["ETag"] = etag(profile.version)
    response.headers["Cache-Control"] = "no-store"
    return profile
