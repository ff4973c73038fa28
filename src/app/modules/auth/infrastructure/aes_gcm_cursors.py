"""Cursors that only this service can read or make."""

from __future__ import annotations

import json
import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.modules.auth.domain.errors import TokenInvalidError
from app.modules.auth.infrastructure.derived_keys import DerivedKeys
from app.shared.application.paging import CursorInvalidError, Cursors

_NONCE = 12
_CURSOR = re.compile(r"pc1\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{38,})")


class AesGcmCursors(Cursors):
    """`pc1.<kid>.<sealed>`: AES-256-GCM (RFC 5116), a random nonce before the ciphertext.

    A mac alone would show the place, which is somebody's name or address, in a URL that proxies
    log. What the cursor belongs to is authenticated with it and not repeated in it.
    """

    def __init__(self, keys: DerivedKeys) -> None:
        self._keys = keys

    def seal(self, place: Sequence[str], *, of: Sequence[str]) -> str:
        kid = self._keys.current_kid
        nonce = os.urandom(_NONCE)
        text = json.dumps(list(place), ensure_ascii=False).encode()
        sealed = nonce + AESGCM(self._keys.key(kid)).encrypt(nonce, text, _belonging(kid, of))
        return f"pc1.{kid}.{_text(sealed)}"

    def open(self, cursor: str, *, of: Sequence[str]) -> list[str]:
        found = _CURSOR.fullmatch(cursor)
        if found is None:
            raise CursorInvalidError
        kid, text = found.groups()
        try:
            sealed = _bytes(text)
            cipher = AESGCM(self._keys.key(kid))
            place: list[str] = json.loads(
                cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], _belonging(kid, of))
            )
        except (TokenInvalidError, InvalidTag, ValueError):
            raise CursorInvalidError from None
        return place


def _text(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    """Raises `ValueError` for any but the one spelling of the bytes."""
    sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _text(sealed) != text:
        raise ValueError
    return sealed


def _belonging(kid: str, of: Sequence[str]) -> bytes:
    """JSON, so that no two lists of words are the same bytes."""
    return json.dumps([kid, *of]).encode()
