"""The names under which this service may be asked."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import Scope

from app.shared.api.errors import HostUnknownError
from app.shared.application.deployment import ANY_HOST

PROBES = ("/health/", "/metrics")
"""Asked by address, from behind the load balancer, by machines that know no name."""


class TrustedHosts:
    """Refuses a request that was meant for somebody else (RFC 9110 §7.4).

    Nothing here makes a link from the Host header; this keeps it so when somebody does one day,
    and keeps a page of another name from talking to us through DNS rebinding.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._any = ANY_HOST in patterns
        self._names = frozenset(patterns)
        self._suffixes = tuple(name.removeprefix("*") for name in patterns if name[:2] == "*.")

    def check(self, scope: Scope) -> None:
        """Raises `HostUnknownError`; two Host headers, or none, are no name either."""
        if self._any or scope["path"].startswith(PROBES):
            return
        stated = [value for name, value in scope["headers"] if name == b"host"]
        if len(stated) != 1:
            raise HostUnknownError
        host = _without_port(stated[0].decode("latin-1").lower())
        if host not in self._names and not (self._suffixes and host.endswith(self._suffixes)):
            raise HostUnknownError


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    # The last colon of an address in brackets may stand inside of them.
    return name if colon and port.isdecimal() else host
