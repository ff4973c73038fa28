"""POST /auth/token: the OAuth 2 form endpoint behind the documentation's Authorize button.

Development only. Its errors are those of RFC 6749 §5.2, which OAuth 2 clients expect.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Form, Request, Response
from pydantic import BaseModel
from starlette.responses import JSONResponse

from app.modules.auth.api.members import HASHES
from app.modules.auth.api.tokens import Tokens, device_of
from app.modules.auth.application.commands.log_in import LogIn, LogInHandler
from app.modules.auth.application.commands.rotate_refresh_token import (
    RotateRefreshToken,
    RotateRefreshTokenHandler,
)
from app.modules.auth.domain.errors import LoginThrottledError
from app.shared.api.inject import Inject
from app.shared.api.refusals import refusals
from app.shared.api.strict_json import module_router
from app.shared.domain.errors import UnauthenticatedError

router = module_router("/api/v1/auth", tags=["auth"])


class Refused(BaseModel):
    """RFC 6749 §5.2."""

    error: Literal["invalid_request", "invalid_grant", "unsupported_grant_type"]
    error_description: str


_Field = Annotated[str | None, Form(max_length=4096)]


@router.post(
    "/token",
    response_model=Tokens,
    responses={**refusals(LoginThrottledError, *HASHES), 400: {"model": Refused}},
)
async def token(
    request: Request,
    response: Response,
    log_in: Inject[LogInHandler],
    rotate: Inject[RotateRefreshTokenHandler],
    grant_type: _Field = None,
    username: _Field = None,
    password: _Field = None,
    refresh_token: _Field = None,
) -> Tokens | Response:
    """The password grant and the refresh grant (RFC 6749 §4.3 and §6)."""
    try:
        match (grant_type, username, password, refresh_token):
            case ("password", str(), str(), _):
                device = device_of(request, label="documentation")
                pair = await log_in(LogIn(email=username, password=password, device=device))
            case ("refresh_token", _, _, str()):
                pair = await rotate(RotateRefreshToken(refresh_token=refresh_token))
            case ("password" | "refresh_token" | None, _, _, _):
                return _refused("invalid_request", "A required parameter is missing.")
            case _:
                return _refused("unsupported_grant_type", "Use password or refresh_token.")
    except UnauthenticatedError as error:
        return _refused("invalid_grant", error.detail)
    return Tokens.of(pair, response)


def _refused(error: str, description: str) -> Response:
    return JSONResponse(
        {"error": error, "error_description": description},
        status_code=400,
        headers={"Cache-Control": "no-store"},
    )
