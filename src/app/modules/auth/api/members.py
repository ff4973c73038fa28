"""What the bodies of several resources have in common."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Request
from pydantic import BaseModel, Field

from app.modules.auth.domain.errors import (
    CurrentPasswordWrongError,
    HashingOverloadedError,
    HashingQueueShareError,
    LinkInvalidError,
    LoginThrottledError,
    PasswordGuessableError,
    PasswordInvalidError,
    PasswordTooCommonError,
    PasswordTooLongError,
    PasswordTooShortError,
    RequestsThrottledError,
)
from app.shared.api.strict_json import Text

# What routes are refused with when they …
HASHES = (HashingQueueShareError, HashingOverloadedError)
CHECKS_A_PASSWORD = (CurrentPasswordWrongError, LoginThrottledError, *HASHES)
TAKES_A_NEW_PASSWORD = (
    PasswordGuessableError,
    PasswordInvalidError,
    PasswordTooCommonError,
    PasswordTooLongError,
    PasswordTooShortError,
)
SENDS_MAIL = (RequestsThrottledError,)
TAKES_A_LINK = (LinkInvalidError,)

EmailText = Annotated[Text, Field(max_length=320, examples=["ada@example.com"])]
NewPasswordText = Annotated[
    str,
    Field(
        max_length=4096,
        examples=["correct horse battery staple"],
        description="A passphrase of 15 or more characters, unless this service asks otherwise;"
        " no rules about kinds of characters.",
        repr=False,
    ),
]
CurrentPassword = Annotated[
    str, Field(max_length=4096, examples=["correct horse battery staple"], repr=False)
]
MailedToken = Annotated[str, Field(max_length=200, repr=False, description="As it was mailed.")]


class Accepted(BaseModel):
    """The same answer whether or not the address was known."""

    status: Literal["accepted"] = "accepted"


def client_of(request: Request) -> str | None:
    """The caller's address, as far as it is known."""
    return request.client.host if request.client else None
