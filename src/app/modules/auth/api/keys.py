"""GET /.well-known/jwks.json."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from app.modules.auth.application.ports import PublishedKeys
from app.shared.api.inject import Inject
from app.shared.api.strict_json import module_router

router = module_router("", tags=["auth"])


@router.get("/.well-known/jwks.json")
async def jwks(response: Response, keys: Inject[PublishedKeys]) -> dict[str, Any]:
    """The public keys of access tokens (RFC 7517 §5)."""
    response.headers["Cache-Control"] = f"public, max-age={keys.max_age_seconds}"
    return keys.jwks()
