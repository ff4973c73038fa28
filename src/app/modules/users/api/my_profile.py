"""GET and PATCH /users/me."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Response
from pydantic import Field

from app.modules.users.application.commands.update_my_profile import (
    UpdateMyProfile,
    UpdateMyProfileHandler,
)
from app.modules.users.application.queries.get_my_profile import (
    GetMyProfile,
    GetMyProfileHandler,
    ProfileView,
)
from app.modules.users.domain.profile import ProfileChanges
from app.shared.api.body import RequestBody
from app.shared.api.caller import Caller
from app.shared.api.etag import IfMatch, etag
from app.shared.api.inject import Inject
from app.shared.api.strict_json import Text, module_router

router = module_router("/api/v1/users", tags=["users"])


class ProfilePatch(RequestBody):
    """What is left out stays as it is (RFC 7396); null takes a handle or an avatar away."""

    display_name: Annotated[Text, Field(max_length=100, examples=["Ada Lovelace"])] = ""
    handle: Annotated[Text | None, Field(max_length=30, examples=["ada"])] = None
    locale: Annotated[Text, Field(max_length=10, examples=["en"])] = "en"
    time_zone: Annotated[Text, Field(max_length=64, examples=["Europe/London"])] = "UTC"
    bio: Annotated[Text, Field(max_length=500)] = ""
    avatar_url: Annotated[Text | None, Field(max_length=500)] = None

    def changes(self) -> ProfileChanges:
        return cast(ProfileChanges, self.model_dump(exclude_unset=True))


@router.get("/me")
async def get_my_profile(
    caller: Caller, response: Response, handle: Inject[GetMyProfileHandler]
) -> ProfileView:
    """One's own profile. Its ETag is what a change has to show."""
    profile = await handle(GetMyProfile(caller.account_id))
    response.headers["ETag"] = etag(profile.version)
    response.headers["Cache-Control"] = "no-store"
    return profile


@router.patch("/me")
async def update_my_profile(
    body: ProfilePatch,
    versions: IfMatch,
    caller: Caller,
    response: Response,
    update: Inject[UpdateMyProfileHandler],
    read: Inject[GetMyProfileHandler],
) -> ProfileView:
    """Change one's own profile, if it still is the version named by If-Match."""
    await update(
        UpdateMyProfile(account_id=caller.account_id, versions=versions, changes=body.changes())
    )
    return await get_my_profile(caller, response, read)
