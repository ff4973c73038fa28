"""POST /auth/login, /auth/refresh and /auth/logout: a session from its first pair to its end."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Request, Response
from pydantic import BaseModel, Field

from app.modules.auth.api.members import HASHES
from app.modules.auth.api.refresh_cookie import MAY_COME_WITH_A_COOKIE, RefreshCookie
from app.modules.auth.application.commands.log_in import LogIn, LogInHandler
from app.modules.auth.application.commands.log_out import LogOut, LogOutHandler
from app.modules.auth.application.commands.rotate_refresh_token import (
    RotateRefreshToken,
    RotateRefreshTokenHandler,
)
from app.modules.auth.application.token_pair import TokenPair
from app.modules.auth.domain.errors import (
    AccountDisabledError,
    InvalidCredentialsError,
    LoginThrottledError,
    SessionExpiredError,
    SessionRevokedError,
    TokenInvalidError,
    TokenReusedError,
    TokenSupersededError,
)
from app.modules.auth.domain.session_values import Device
from app.shared.api.body import RequestBody
from app.shared.api.caller import BearerToken
from app.shared.api.errors import CredentialsMissingError
from app.shared.api.inject import Inject
from app.shared.api.refusals import refusals
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
    refresh_token: Annotated[
        str | None,
        Field(
            max_length=4096,
            repr=False,
            description="The last one that this device had for the account, even if it is dead:"
            " guesses of others then do not keep it out.",
        ),
    ] = None


class Refresh(RequestBody):
    """Nothing, where the token is in a cookie."""

    refresh_token: Annotated[str | None, Field(max_length=4096, repr=False)] = None


class Logout(RequestBody):
    refresh_token: Annotated[str | None, Field(max_length=4096, repr=False)] = None


class Tokens(BaseModel):
    """RFC 6749 §5.1. Store the pair durably before using it; lifetimes are in seconds."""

    access_token: Annotated[str, Field(repr=False)]
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    refresh_token: Annotated[
        str | None, Field(repr=False, description="Absent where it travels in a cookie.")
    ] = None
    refresh_expires_in: int

    @classmethod
    def of(cls, pair: TokenPair, response: Response, cookie: RefreshCookie | None = None) -> Tokens:
        """The answer's body; no cache may keep it (RFC 6749 §5.1)."""
        response.headers["Cache-Control"] = "no-store"
        carried = cookie and cookie.carry(response, pair.refresh_token, pair.refresh_expires_in)
        return cls(
            access_token=pair.access_token,
            expires_in=pair.expires_in,
            refresh_token=None if carried else pair.refresh_token,
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


@router.post(
    "/login",
    response_model_exclude_none=True,
    responses=refusals(
        InvalidCredentialsError, LoginThrottledError, *HASHES, *MAY_COME_WITH_A_COOKIE
    ),
)
async def login(
    body: Login,
    request: Request,
    response: Response,
    handle: Inject[LogInHandler],
    cookie: Inject[RefreshCookie],
) -> Tokens:
    """Log in with a password. Every refusal is the same `invalid_credentials`."""
    cookie.check_origin(request)
    pair = await handle(
        LogIn(
            email=body.email,
            password=body.password,
            device=device_of(request, body.label),
            refresh_token=cookie.token_of(request, body.refresh_token),
        )
    )
    return Tokens.of(pair, response, cookie)


@router.post(
    "/refresh",
    response_model_exclude_none=True,
    responses=refusals(
        CredentialsMissingError,
        TokenInvalidError,
        TokenSupersededError,
        TokenReusedError,
        SessionRevokedError,
        SessionExpiredError,
        AccountDisabledError,
        *MAY_COME_WITH_A_COOKIE,
    ),
)
async def refresh(
    request: Request,
    response: Response,
    handle: Inject[RotateRefreshTokenHandler],
    cookie: Inject[RefreshCookie],
    body: Refresh | None = None,
) -> Tokens:
    """Rotate a refresh token.

    Whenever the answer was lost, send the same token again: it gets the same successor. Only an
    error with `terminal: true` ends the session; after a 503, or no answer, keep the token.
    """
    cookie.check_origin(request)
    token = cookie.required_token_of(request, body.refresh_token if body else None)
    with cookie.cleared_when_over(request):
        pair = await handle(RotateRefreshToken(refresh_token=token))
    return Tokens.of(pair, response, cookie)


@router.post("/logout", status_code=204, responses=refusals(*MAY_COME_WITH_A_COOKIE))
async def logout(
    access_token: BearerToken,
    request: Request,
    response: Response,
    handle: Inject[LogOutHandler],
    cookie: Inject[RefreshCookie],
    body: Logout | None = None,
) -> None:
    """End the session that the refresh token, or else the Bearer token, belongs to.

    Any token of the session will do, used or expired ones included; as often as you like.
    """
    cookie.check_origin(request)
    refresh_token = cookie.token_of(request, body.refresh_token if body else None)
    if refresh_token is None and access_token is None:
        raise CredentialsMissingError
    device = device_of(request)
    await handle(LogOut(refresh_token=refresh_token, access_token=access_token, device=device))
    cookie.clear(response)
