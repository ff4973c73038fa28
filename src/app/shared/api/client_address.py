"""Who sent a request, when proxies of ours stand between."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address

from starlette.types import Scope

_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]*)\](?::[0-9]{1,5})?|(?P<v4>[0-9.]+):[0-9]{1,5}")
_MAPPED = "::ffff:"


def client_address(scope: Scope, hops: int) -> str | None:
    """The address that the outermost of `hops` trusted proxies saw, or else the peer's.

    Each proxy appends the address it was called from to X-Forwarded-For, so only the last `hops`
    entries were written by somebody we know; what stands before them is anybody's claim. A list
    that is shorter, or no address at that place, means that the request came another way.
    X-Real-IP, Forwarded and their like count for nothing: a proxy that does not set them passes
    on what the client wrote.
    """
    peer = (scope.get("client") or (None,))[0]
    if hops:
        seen = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        entries = b",".join(seen).decode("latin-1").rsplit(",", hops)
        if len(entries) >= hops and (stated := _address(entries[-hops].strip())):
            return stated
    return _address(peer) if peer and peer.startswith(_MAPPED) else peer


def _address(text: str) -> str | None:
    """One spelling per address, without port and brackets; None for what is no address."""
    if match := _WITH_PORT.fullmatch(text):
        text = match["v6"] or match["v4"] or ""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        address = address.ipv4_mapped or address
    return str(address)
