"""Where and how this process runs, as far as the kernel and the modules care."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

Environment = Literal["development", "staging", "production"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Facts of the whole process; everything else is a module's own setting."""

    environment: Environment = "development"
    public_url: str = "http://127.0.0.1:8000"
    """Where clients reach the service; without a trailing slash."""
    data_dir: Path = Path(".data")
    """Files that development keeps between runs."""
    request_timeout: timedelta = timedelta(seconds=10)
    """No request, and so no decision, takes longer."""
    max_body_bytes: int = 65_536

    @property
    def is_development(self) -> bool:
        return self.environment == "development"
