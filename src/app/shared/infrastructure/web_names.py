"""URLs, hosts and origins as an operator writes them; no refusal shows what was written."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from app.shared.application.deployment import ANY_HOST
from app.shared.infrastructure.settings_group import Names

ANY_ORIGIN = "*"

_HOST = r"(?:[^\s/?#@:,*\[\]]+|\[[0-9a-f:.]+\])"
_ROOT_URL = re.compile(rf"https?://{_HOST}(?::[0-9]{{1,5}})?(?:/[^\s/?#]+)*", re.IGNORECASE)
"""What paths can be appended to: no credentials, no query, no fragment."""
_HOST_PATTERN = re.compile(rf"(?:\*\.)?{_HOST}")
_ORIGIN = re.compile(rf"https?://{_HOST}(?::[0-9]{{1,5}})?")


def host_of(url: str) -> str:
    """As the Host header has it, without the port."""
    host = urlsplit(url).hostname or ""
    return f"[{host}]" if ":" in host else host


def origin_of(url: str) -> str:
    """As browsers write it: the port only where it is not the scheme's own (RFC 6454 §6.1)."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    usual = {"http": 80, "https": 443}.get(scheme)
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return f"{scheme}://{host_of(url)}{port}"


def _root_url(value: str) -> str:
    if not _ROOT_URL.fullmatch(value):
        raise ValueError("is not a plain http(s) URL without a trailing slash")
    return value


def _hosts(names: tuple[str, ...]) -> tuple[str, ...]:
    hosts = tuple(name.lower() for name in names)
    if not all(host == ANY_HOST or _HOST_PATTERN.fullmatch(host) for host in hosts):
        raise ValueError("has something else than host names without ports")
    return hosts


def _origins(names: tuple[str, ...]) -> tuple[str, ...]:
    origins = tuple(name.lower() for name in names)
    if not all(origin == ANY_ORIGIN or _ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError("has something else than origins such as https://app.example.com")
    if ANY_ORIGIN in origins and len(origins) > 1:
        raise ValueError("has * beside other origins")
    return origins


RootUrl = Annotated[str, AfterValidator(_root_url)]
Hosts = Annotated[Names, AfterValidator(_hosts)]
"""In lower case; `*.example.com` is every name below, `*` is any."""
Origins = Annotated[Names, AfterValidator(_origins)]
"""As browsers write them: scheme, host and, unless it is the scheme's own, port."""
