"""POST /auth/email/resend, /auth/email/verify, /auth/email/change and its confirmation."""

from __future__ import annotations

from fastapi import Request

from app.modules.auth.api.members import (
    CHECKS_A_PASSWORD,
    SENDS_MAIL,
    TAKES_A_LINK,
    Accepted,
    CurrentPassword,
    EmailText,
    MailedToken,
    client_of,
)
from app.modules.auth.application.commands.confirm_email_change import (
    ConfirmEmailChange,
    ConfirmEmailChangeHandler,
)
from app.modules.auth.application.commands.request_email_change import (
    RequestEmailChange,
    RequestEmailChangeHandler,
)
from app.modules.auth.application.commands.resend_verification import (
    ResendVerification,
    ResendVerificationHandler,
)
from app.modules.auth.application.commands.verify_email import VerifyEmail, VerifyEmailHandler
from app.modules.auth.domain.errors import EmailInvalidError
from app.shared.api.body import RequestBody
from app.shared.api.caller import FreshCaller
from app.shared.api.inject import Inject
from app.shared.api.refusals import refusals
from app.shared.api.strict_json import module_router

router = module_router("/api/v1/auth/email", tags=["auth"])


class VerificationWanted(RequestBody):
    email: EmailText


class Proof(RequestBody):
    token: MailedToken


class EmailChange(RequestBody):
    new_email: EmailText
    current_password: CurrentPassword


@router.post("/resend", status_code=202, responses=refusals(EmailInvalidError, *SENDS_MAIL))
async def resend_verification(
    body: VerificationWanted, request: Request, handle: Inject[ResendVerificationHandler]
) -> Accepted:
    """Ask for another verification mail; the same answer for every address."""
    await handle(ResendVerification(email=body.email, client=client_of(request)))
    return Accepted()


@router.post("/verify", status_code=204, responses=refusals(*TAKES_A_LINK))
async def verify_email(body: Proof, handle: Inject[VerifyEmailHandler]) -> None:
    """Verify an address by the token from the mail."""
    await handle(VerifyEmail(token=body.token))


@router.post(
    "/change",
    status_code=202,
    responses=refusals(EmailInvalidError, *CHECKS_A_PASSWORD),
)
async def change_email(
    body: EmailChange,
    caller: FreshCaller,
    request: Request,
    handle: Inject[RequestEmailChangeHandler],
) -> Accepted:
    """Ask for another address. It counts once the token that is mailed to it was confirmed."""
    await handle(
        RequestEmailChange(
            caller=caller,
            new_email=body.new_email,
            current_password=body.current_password,
            client=client_of(request),
        )
    )
    return Accepted()


@router.post("/change/confirm", status_code=204, responses=refusals(*TAKES_A_LINK))
async def confirm_email_change(body: Proof, handle: Inject[ConfirmEmailChangeHandler]) -> None:
    """Confirm another address by the token from the mail."""
    await handle(ConfirmEmailChange(token=body.token))
