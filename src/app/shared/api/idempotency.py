"""The Idempotency-Key header of routes that create something, as a route declares it:
`idempotency: Idempotency` (draft-ietf-httpapi-idempotency-key-header)."""

from __future__ import annotations

import re
from json import dumps
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import HTTPConnection

from app.shared.api.errors import HttpError
from app.shared.api.inject import Provided
from app.shared.api.strict_json import StrictRequest
from app.shared.application.idempotency import Fingerprints, IdempotencyKey

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class IdempotencyKeyMalformedError(HttpError):
    """The Idempotency-Key header is sent twice, or is not 1 to 255 visible ASCII characters."""

    status = 400
    code = "idempotency_key_malformed"
    detail = "The Idempotency-Key header must be one key of 1 to 255 visible ASCII characters."


IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A random name of this request. Sent again with it within 24 hours, the request"
    " is answered as before and has no second effect.",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
    "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
}
"""The header, for the description."""


class IdempotentRequest(Provided):
    """The request's key and the fingerprint of what it asks for, as it was meant: members in
    another order are the same."""

    def __init__(self) -> None:
        super().__init__(Fingerprints)

    async def __call__(self, connection: HTTPConnection) -> IdempotencyKey | None:
        stated = connection.headers.getlist("idempotency-key")
        if not stated:
            return None
        if len(stated) > 1 or not _KEY.fullmatch(stated[0]):
            raise IdempotencyKeyMalformedError
        document = connection.document if isinstance(connection, StrictRequest) else None
        content = dumps([connection.url.query, document], sort_keys=True).encode("ascii")
        fingerprints: Fingerprints = self.resolve(connection)
        return IdempotencyKey(
            operation=f"{connection.scope['method']} {connection.url.path}",
            value=stated[0],
            fingerprints=fingerprints.of(content),
        )


Idempotency = Annotated[IdempotencyKey | None, Depends(IdempotentRequest())]
"""For the `idempotency` of the message; None where the client sent no such header."""
