"""What a login needs beside the right password."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequirements:
    """Asked once the password is right; whatever a login may need later is asked for here."""

    verified_address: bool = False

    def met_by(self, *, active: bool, verified: bool) -> bool:
        return active and (verified or not self.verified_address)
