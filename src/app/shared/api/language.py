"""Which language a request asks for: `language: Language`."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header

_RANGE = re.compile(r"([a-z]{2,3})(?:-([a-z]{2}))?(?:-[a-z0-9]{1,8})*", re.IGNORECASE)
_DEFAULT = "en"
_MAX_RANGES = 10


async def language_of(
    accept_language: Annotated[
        str | None, Header(description="The languages that the person reads (RFC 9110 §12.5.4).")
    ] = None,
) -> str:
    """The most wanted language, as `de` or `pt-BR`; English where none can be read."""
    best, weight = _DEFAULT, 0.0
    for stated in (accept_language or "").split(",")[:_MAX_RANGES]:
        tag, _, parameter = stated.partition(";")
        found = _RANGE.fullmatch(tag.strip())
        quality = _quality(parameter)
        if found and quality > weight:
            language, region = found[1].lower(), (found[2] or "").upper()
            best, weight = f"{language}-{region}" if region else language, quality
    return best


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    if name.strip() != "q" or not re.fullmatch(r"[01](\.[0-9]{0,3})?", value.strip()):
        return 0.0
    return min(1.0, float(value))


Language = Annotated[str, Depends(language_of)]
