"""POST /auth/login, /auth/refresh and /auth/logout: a session from its first pair to its end."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Request, Response
from pydantic import BaseModel, Field

from app.modules.auth.application.commands.log_in import LogIn, LogInHandler
from app.modules.auth.application.commands.log_out import LogOut, LogOutHandler
from app.modules.auth.application.commands.rotate_refresh_token import (
    RotateRefreshToken,
    RotateRefreshTokenHandler,
)
from app.modules.auth.application.token_pair import TokenPair
from app.modules.auth.domain.session_values import Device
from app.shared.api.body import RequestBody
from app.shared.api.caller import BearerToken
from app.shared.api.errors import CredentialsMissingError
from app.shared.api.inject import Inject
from app.shared.api.strict_json import Text, module_router

router = module_router("/api/v1/auth", tags=["auth"])

_MAX_USER_AGENT = 255


class Login(RequestBody):
    email: Annotated[Text, Field(max_length=320, examples=["ada@example.com"])]
    password: Annotated[
        str, Field(max_length=4096, examples=["correct horse battery staple"], repr=False)
    ]
    label: Annotated[
        Text | None, Field(max_length=100, description="How the owner calls this device.")
    ] = None


class Refresh(RequestBody):
    refresh_token: Annotated[str, Field(max_length=4096, repr=False)]


class Logout(RequestBody):
    refresh_token: Annotated[str | None, Field(max_length=4096, repr=False)] = None


class Tokens(BaseModel):
    """RFC 6749 §5.1. Store the pair durably before using it; lifetimes are in seconds."""

    access_token: Annotated[str, Field(repr=False)]
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    refresh_token: Annotated[str, Field(repr=False)]
    refresh_expires_in: int

    @classmethod
    def of(cls, pair: TokenPair, response: Response) -> Tokens:
        """The answer's body; no cache may keep it (RFC 6749 §5.1)."""
        response.headers["Cache-Control"] = "no-store"
        return cls(
            access_token=pair.access_token,
            expires_in=pair.expires_in,
            refresh_token=pair.refresh_token,
            refresh_expires_in=pair.refresh_expires_in,
        )


def device_of(request: Request, label: str | None = None) -> Device:
    """Where the request comes from, as far as it says; shown to the account's owner later."""
    user_agent = request.headers.get("user-agent", "")[:_MAX_USER_AGENT]
    return Device(
        label=label,
        user_agent="".join(filter(str.isprintable, user_agent)) or None,
        ip=request.client.host if request.client else None,
    )


@router.post("/login")
async def login(
    body: Login, request: Request, response: Response, handle: Inject[LogInHandler]
) -> Tokens:
    """Log in with a password. Every refusal is the same `invalid_credentials`."""
    pair = await handle(
        LogIn(email=body.email, password=body.password, device=device_of(request, body.label))
    )
    return Tokens.of(pair, response)


@router.post("/refresh")
async def refresh(
    body: Refresh, response: Response, handle: Inject[RotateRefreshTokenHandler]
) -> Tokens:
    """Rotate a refresh token.

    Whenever the answer was lost, send the same token again: it gets the same successor. Only an
    error with `terminal: true` ends the session; after a 503, or no answer, keep the token.
    """
    pair = await handle(RotateRefreshToken(refresh_token=body.refresh_token))
    return Tokens.of(pair, response)


@router.post("/logout", status_code=204)
async def logout(
    access_token: BearerToken, handle: Inject[LogOutHandler], body: Logout | None = None
) -> None:
    """End the session that the refresh token, or else the Bearer token, belongs to.

    Any token of the session will do, used or expired ones included; as often as you like.
    """
    refresh_token = body.refresh_token if body else None
    if refresh_token is None and access_token is None:
        raise CredentialsMissingError
    await handle(LogOut(refresh_token=refresh_token, access_token=access_token))
