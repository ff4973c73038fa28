"""The bundled list of passwords that attackers try first, small in memory."""

from __future__ import annotations

import gzip
from array import array
from bisect import bisect_left
from functools import cache
from importlib.resources import files

from app.modules.auth.domain.guessable import CommonPasswords

_PACKAGE = "app.modules.auth.infrastructure"


class BundledCommonPasswords(CommonPasswords):
    """Passwords, names and frequent long words in lower case; see NOTICE beside the data.

    Read when the first one is made, in some 60 ms, so that no request has to wait for it. Kept as
    sorted 64-bit hashes: eight bytes for each of some 54 000 words, where a set of strings would
    take six megabytes.
    """

    def __init__(self) -> None:
        self._hashes = _bundled()

    def __contains__(self, word: str, /) -> bool:
        wanted = hash(word)
        at = bisect_left(self._hashes, wanted)
        return at < len(self._hashes) and self._hashes[at] == wanted


@cache
def _bundled() -> array[int]:
    data = files(_PACKAGE).joinpath("data", "common_passwords.txt.gz").read_bytes()
    words = gzip.decompress(data).decode("ascii").split()
    return array("q", sorted(map(hash, words)))
