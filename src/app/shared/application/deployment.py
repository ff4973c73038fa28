"""Where and how this process runs, as far as the kernel and the modules care."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

Environment = Literal["development", "staging", "production"]

ANY_HOST = "*"
"""In place of a list of hosts: all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Facts of the whole process; everything else is a module's own setting."""

    environment: Environment = "development"
    public_url: str = "http://127.0.0.1:8000"
    """Where clients reach the service; without a trailing slash."""
    frontend_url: str = "http://127.0.0.1:8000"
    """Where people's browsers go from a mail; without a trailing slash."""
    data_dir: Path = Path(".data")
    """Files that development keeps between runs."""
    request_timeout: timedelta = timedelta(seconds=10)
    """No request, and so no decision, takes longer."""
    max_body_bytes: int = 65_536
    trusted_hosts: tuple[str, ...] = (ANY_HOST,)
    """Names under which the service may be asked, in lower case and without a port."""
    trusted_proxy_hops: int = 0
    """How many proxies of ours a request has passed, each of which appends to X-Forwarded-For."""
    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may read our answers."""
    cors_credentials: bool = False

    @property
    def is_development(self) -> bool:
        return self.environment == "development"

    @property
    def is_https(self) -> bool:
        """Whether clients must come by TLS, now and for good."""
        return not self.is_development and self.public_url.lower().startswith("https://")
