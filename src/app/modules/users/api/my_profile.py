"""GET and PATCH /users/me."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Response
from pydantic import Field

from app.modules.users.application.commands.update_my_profile import (
    UpdateMyProfile,
    UpdateMyProfileHandler,
)
from app.modules.users.application.profile_view import ProfileView
from app.modules.users.application.queries.get_my_profile import GetMyProfile, GetMyProfileHandler
from app.modules.users.domain.errors import (
    AvatarUrlInvalidError,
    BioInvalidError,
    DisplayNameInvalidError,
    HandleInvalidError,
    HandleTakenError,
    LocaleInvalidError,
    ProfilePendingError,
    ProfileStaleError,
    TimeZoneUnknownError,
)
from app.modules.users.domain.profile import ProfileChanges
from app.shared.api.body import PatchBody
from app.shared.api.caller import Caller
from app.shared.api.etag import VERSIONED, IfMatch, etag
from app.shared.api.inject import Inject
from app.shared.api.refusals import refusals
from app.shared.api.strict_json import Text, module_router

router = module_router("/api/v1/users", tags=["users"])


class ProfilePatch(PatchBody):
    """What is left out stays as it is; null takes a handle or an avatar away."""

    display_name: Annotated[Text, Field(max_length=100, examples=["Ada Lovelace"])] = ""
    handle: Annotated[Text | None, Field(max_length=30, examples=["ada"])] = None
    locale: Annotated[Text, Field(max_length=10, examples=["en"])] = "en"
    time_zone: Annotated[Text, Field(max_length=64, examples=["Europe/London"])] = "UTC"
    bio: Annotated[Text, Field(max_length=500)] = ""
    avatar_url: Annotated[Text | None, Field(max_length=500)] = None

    def changes(self) -> ProfileChanges:
        return cast(ProfileChanges, self.model_dump(exclude_unset=True))


@router.get("/me", responses={200: VERSIONED, **refusals(ProfilePendingError)})
async def get_my_profile(
    caller: Caller, response: Response, handle: Inject[GetMyProfileHandler]
) -> ProfileView:
    """One's own profile. Its ETag is what a change has to show."""
    profile = await handle(GetMyProfile(caller))
    response.headers["ETag"] = etag(profile.version)
    response.headers["Cache-Control"] = "no-store"
    return profile


@router.patch(
    "/me",
    responses={
        200: VERSIONED,
        **refusals(
            AvatarUrlInvalidError,
            BioInvalidError,
            DisplayNameInvalidError,
            HandleInvalidError,
            HandleTakenError,
            LocaleInvalidError,
            ProfilePendingError,
            ProfileStaleError,
            TimeZoneUnknownError,
        ),
    },
)
async def update_my_profile(
    body: ProfilePatch,
    versions: IfMatch,
    caller: Caller,
    response: Response,
    update: Inject[UpdateMyProfileHandler],
) -> ProfileView:
    """Change one's own profile, if it still is the version named by If-Match."""
    profile = await update(
        UpdateMyProfile(caller=caller, versions=versions, changes=body.changes())
    )
    response.headers["ETag"] = etag(profile.version)
    response.headers["Cache-Control"] = "no-store"
    return profile
