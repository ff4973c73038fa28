"""POST /auth/password/change, /auth/password/forgot and /auth/password/reset."""

from __future__ import annotations

from fastapi import Request, Response

from app.modules.auth.api.members import (
    CHECKS_A_PASSWORD,
    HASHES,
    SENDS_MAIL,
    TAKES_A_LINK,
    TAKES_A_NEW_PASSWORD,
    Accepted,
    CurrentPassword,
    EmailText,
    MailedToken,
    NewPasswordText,
    client_of,
)
from app.modules.auth.api.refresh_cookie import RefreshCookie
from app.modules.auth.api.tokens import Tokens, device_of
from app.modules.auth.application.commands.change_password import (
    ChangePassword,
    ChangePasswordHandler,
)
from app.modules.auth.application.commands.request_password_reset import (
    RequestPasswordReset,
    RequestPasswordResetHandler,
)
from app.modules.auth.application.commands.reset_password import (
    ResetPassword,
    ResetPasswordHandler,
)
from app.modules.auth.domain.errors import EmailInvalidError
from app.shared.api.body import RequestBody
from app.shared.api.caller import FreshCaller
from app.shared.api.inject import Inject
from app.shared.api.refusals import refusals
from app.shared.api.strict_json import module_router

router = module_router("/api/v1/auth/password", tags=["auth"])


class PasswordChange(RequestBody):
    current_password: CurrentPassword
    new_password: NewPasswordText


class PasswordForgotten(RequestBody):
    email: EmailText


class PasswordReset(RequestBody):
    token: MailedToken
    new_password: NewPasswordText


@router.post(
    "/change",
    response_model_exclude_none=True,
    responses=refusals(*CHECKS_A_PASSWORD, *TAKES_A_NEW_PASSWORD),
)
async def change_password(
    body: PasswordChange,
    caller: FreshCaller,
    request: Request,
    response: Response,
    handle: Inject[ChangePasswordHandler],
    cookie: Inject[RefreshCookie],
) -> Tokens:
    """Change one's own password. Every session ends; the answer is the pair of a new one."""
    pair = await handle(
        ChangePassword(
            caller=caller,
            current_password=body.current_password,
            new_password=body.new_password,
            device=device_of(request),
        )
    )
    return Tokens.of(pair, response, cookie)


@router.post("/forgot", status_code=202, responses=refusals(EmailInvalidError, *SENDS_MAIL))
async def forgot_password(
    body: PasswordForgotten, request: Request, handle: Inject[RequestPasswordResetHandler]
) -> Accepted:
    """Ask for a mail with a link to choose a new password; the same answer for every address."""
    await handle(RequestPasswordReset(email=body.email, client=client_of(request)))
    return Accepted()


@router.post(
    "/reset",
    status_code=204,
    responses=refusals(*TAKES_A_LINK, *TAKES_A_NEW_PASSWORD, *HASHES),
)
async def reset_password(
    body: PasswordReset, request: Request, handle: Inject[ResetPasswordHandler]
) -> None:
    """Choose a new password by the token from the mail. Every session and API key ends, and
    nobody is logged in."""
    await handle(
        ResetPassword(token=body.token, new_password=body.new_password, device=device_of(request))
    )
