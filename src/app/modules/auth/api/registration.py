"""POST /auth/register."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Request
from pydantic import BaseModel, Field

from app.modules.auth.application.commands.register_account import (
    RegisterAccount,
    RegisterAccountHandler,
)
from app.shared.api.body import RequestBody
from app.shared.api.inject import Inject
from app.shared.api.strict_json import Text, module_router

router = module_router("/api/v1/auth", tags=["auth"])


class Registration(RequestBody):
    email: Annotated[Text, Field(max_length=320, examples=["ada@example.com"])]
    password: Annotated[
        str,
        Field(
            max_length=4096,
            examples=["correct horse battery staple"],
            description="A passphrase of 15 or more characters, unless this service asks otherwise;"
            " no rules about kinds of characters.",
            repr=False,
        ),
    ]


class RegistrationAccepted(BaseModel):
    """The same answer whether or not the address was known."""

    status: Literal["accepted"] = "accepted"


@router.post("/register", status_code=202)
async def register(
    body: Registration, request: Request, handle: Inject[RegisterAccountHandler]
) -> RegistrationAccepted:
    """Register an account. Its profile appears within moments."""
    client = request.client.host if request.client else None
    await handle(RegisterAccount(email=body.email, password=body.password, client=client))
    return RegistrationAccepted()
