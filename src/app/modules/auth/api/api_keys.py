"""POST and GET /auth/api-keys, DELETE /auth/api-keys/{id}: credentials for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel, Field

from app.modules.auth.api.members import CHECKS_A_PASSWORD, CurrentPassword
from app.modules.auth.api.tokens import device_of
from app.modules.auth.application.commands.create_api_key import (
    CreateApiKey,
    CreateApiKeyHandler,
)
from app.modules.auth.application.commands.delete_api_key import (
    DeleteApiKey,
    DeleteApiKeyHandler,
)
from app.modules.auth.application.queries.list_api_keys import (
    ApiKeyList,
    ListApiKeys,
    ListApiKeysHandler,
)
from app.modules.auth.domain.api_key_errors import (
    ApiKeyExpiryPastError,
    ApiKeyNotFoundError,
    ScopeUnknownError,
    TooManyApiKeysError,
)
from app.shared.api.body import Moment, RequestBody
from app.shared.api.caller import FreshCaller
from app.shared.api.idempotency import Idempotency
from app.shared.api.inject import Inject
from app.shared.api.refusals import refusals
from app.shared.api.strict_json import Text, module_router

router = module_router("/api/v1/auth/api-keys", tags=["auth"])

_CREATED: dict[str, Any] = {
    "headers": {
        "Location": {
            "description": "Where the API key can be deleted.",
            "required": True,
            "schema": {"type": "string", "format": "uri-reference"},
        }
    }
}


class NewApiKey(RequestBody):
    name: Annotated[Text, Field(min_length=1, max_length=100, examples=["nightly report"])]
    scopes: Annotated[
        list[Annotated[Text, Field(max_length=100)]],
        Field(
            min_length=1,
            max_length=50,
            examples=[["profile:read"]],
            description="What the key is good for, as far as the account's roles allow it.",
        ),
    ]
    expires_at: Annotated[Moment | None, Field(description="Never, when left out.")] = None
    current_password: CurrentPassword


class CreatedApiKey(BaseModel):
    """The only answer that holds the key itself."""

    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    api_key: Annotated[str, Field(repr=False, description="Send it as a Bearer token.")]


@router.post(
    "",
    status_code=201,
    responses={
        201: _CREATED,
        **refusals(
            ApiKeyExpiryPastError,
            ApiKeyNotFoundError,
            ScopeUnknownError,
            TooManyApiKeysError,
            *CHECKS_A_PASSWORD,
        ),
    },
)
async def create_api_key(
    body: NewApiKey,
    caller: FreshCaller,
    idempotency: Idempotency,
    request: Request,
    response: Response,
    handle: Inject[CreateApiKeyHandler],
) -> CreatedApiKey:
    """Create an API key. It is shown this once; with an Idempotency-Key, also to a retry."""
    created = await handle(
        CreateApiKey(
            caller=caller,
            current_password=body.current_password,
            name=body.name,
            scopes=tuple(body.scopes),
            expires_at=body.expires_at,
            device=device_of(request),
            idempotency=idempotency,
        )
    )
    response.headers["Location"] = f"{router.prefix}/{created.id}"
    response.headers["Cache-Control"] = "no-store"
    return CreatedApiKey(
        id=created.id,
        name=body.name,
        scopes=sorted(set(body.scopes)),
        created_at=created.created_at,
        expires_at=body.expires_at,
        api_key=created.token,
    )


@router.get("")
async def list_api_keys(
    caller: FreshCaller, response: Response, handle: Inject[ListApiKeysHandler]
) -> ApiKeyList:
    """One's own API keys, the newest first, without the keys themselves."""
    response.headers["Cache-Control"] = "no-store"
    return await handle(ListApiKeys(caller))


@router.delete("/{key_id}", status_code=204, responses=refusals(ApiKeyNotFoundError))
async def delete_api_key(
    key_id: UUID, caller: FreshCaller, request: Request, handle: Inject[DeleteApiKeyHandler]
) -> None:
    """End an API key, at once and everywhere."""
    await handle(DeleteApiKey(caller, key_id, device_of(request)))
