"""POST /auth/register."""

from __future__ import annotations

from fastapi import Request

from app.modules.auth.api.members import (
    HASHES,
    TAKES_A_NEW_PASSWORD,
    Accepted,
    EmailText,
    NewPasswordText,
    client_of,
)
from app.modules.auth.application.commands.register_account import (
    RegisterAccount,
    RegisterAccountHandler,
)
from app.modules.auth.domain.errors import EmailInvalidError
from app.shared.api.body import RequestBody
from app.shared.api.idempotency import Idempotency
from app.shared.api.inject import Inject
from app.shared.api.language import Language
from app.shared.api.refusals import refusals
from app.shared.api.strict_json import module_router

router = module_router("/api/v1/auth", tags=["auth"])


class Registration(RequestBody):
    email: EmailText
    password: NewPasswordText


@router.post(
    "/register",
    status_code=202,
    responses=refusals(EmailInvalidError, *TAKES_A_NEW_PASSWORD, *HASHES),
)
async def register(
    body: Registration,
    language: Language,
    idempotency: Idempotency,
    request: Request,
    handle: Inject[RegisterAccountHandler],
) -> Accepted:
    """Register an account. A mail asks to verify the address; the profile appears within
    moments."""
    await handle(
        RegisterAccount(
            email=body.email,
            password=body.password,
            locale=language,
            client=client_of(request),
            idempotency=idempotency,
        )
    )
    return Accepted()
