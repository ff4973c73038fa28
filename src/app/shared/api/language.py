"""Which language a request asks for, of those that people are written to in:
`language: Language`."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header
from starlette.requests import HTTPConnection

from app.shared.api.inject import Provided
from app.shared.application.languages import Languages

_RANGE = re.compile(r"([a-z]{2,3})(?:-([a-z]{2}))?(?:-[a-z0-9]{1,8})*|\*", re.IGNORECASE)
_DEFAULT = "en"
_MAX_RANGES = 10
_WHATEVER = 0.0001
"""Less than any quality that can be stated: `*` counts after all that is named (RFC 4647 §3.4)."""


def best_language(stated: str, languages: Languages) -> str:
    """The most wanted language that one of `languages` covers, as `de` or `pt-BR`; the most wanted
    one where none does, and English where nothing is wanted."""
    wanted = _stated(stated)
    if wanted.pop("*", 0):
        for language in (_DEFAULT, *sorted(languages)):
            wanted.setdefault(language, _WHATEVER)
    refused = {tag for tag, quality in wanted.items() if not quality}
    tags = sorted((tag for tag in wanted if tag not in refused), key=lambda tag: -wanted[tag])
    covered = (tag for tag in tags if languages.nearest(tag) not in {None, *refused})
    return next(covered, tags[0] if tags else _DEFAULT)


def _stated(header: str) -> dict[str, float]:
    """The quality of each range that can be read, 0 for what is refused."""
    stated: dict[str, float] = {}
    for one in header.split(",")[:_MAX_RANGES]:
        tag, _, parameter = one.partition(";")
        if found := _RANGE.fullmatch(tag.strip()):
            language, region = (found[1] or "*").lower(), (found[2] or "").upper()
            stated.setdefault(f"{language}-{region}" if region else language, _quality(parameter))
    return stated


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    if name.strip().lower() != "q" or not re.fullmatch(r"[01](\.[0-9]{0,3})?", value.strip()):
        return 0.0
    return min(1.0, float(value))


class RequestLanguage(Provided):
    """What `Accept-Language` says (RFC 9110 §12.5.4)."""

    def __init__(self) -> None:
        super().__init__(Languages)

    async def __call__(
        self,
        connection: HTTPConnection,
        accept_language: Annotated[
            str | None,
            Header(alias="Accept-Language", description="The languages that the person reads."),
        ] = None,
    ) -> str:
        return best_language(accept_language or "", self.resolve(connection))


Language = Annotated[str, Depends(RequestLanguage())]
