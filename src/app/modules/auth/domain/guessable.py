"""Tells a password that consists of nothing but what attackers try from one that contains it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

_MAX_WORDS = 2
"""Different listed words that do not make a passphrase yet; three do."""

_MAX_LOOSE = 6
"""Digits and signs in no order that are still decoration; more of them are a secret."""

_SHORTEST_LISTED, _LONGEST_LISTED = 4, 32
_YEAR = re.compile(r"(?:19|20)[0-9][0-9]")
_SEPARATORS = frozenset(" \t-_.")
_DIGITS = "0123456789"

_LINES = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "!@#$%^&*()_+",
    "qwertyuiop[]\\",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "qwertzuiop",
    "azertyuiop",
    "qsdfghjklm",
    *("1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik,", "9ol.", "0p;/"),
    *("147", "258", "369", "159", "357"),
)
_SEQUENCES = tuple(text for line in _LINES for text in (line, line[::-1]))
_ROWS = ("1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./")
_WALK_LENGTH = 5


def _neighbours() -> dict[str, str]:
    """Keys that touch: left and right, and the two above and below on staggered rows."""
    keys = {(x, y): key for y, row in enumerate(_ROWS) for x, key in enumerate(row)}
    steps = ((-1, 0), (1, 0), (0, -1), (1, -1), (0, 1), (-1, 1))
    return {
        key: "".join(keys.get((x + dx, y + dy), "") for dx, dy in steps)
        for (x, y), key in keys.items()
    }


_NEIGHBOURS = _neighbours()
_DISGUISES = tuple(
    str.maketrans(dict(zip("@4031$5!7", "aaoe" + one + "ssit", strict=True))) for one in "il"
)


class CommonPasswords(Protocol):
    """The words that attackers try first, in lower case."""

    def __contains__(self, word: str, /) -> bool: ...


class Verdict(Enum):
    """What a password consists of."""

    FINE = "fine"
    COMMON = "common"
    CONTEXT = "context"


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to explain the text up to some point."""

    words: frozenset[str] = frozenset()
    loose: int = 0
    context: bool = False

    @property
    def effort(self) -> tuple[int, int]:
        return len(self.words), self.loose

    @property
    def explains(self) -> bool:
        return len(self.words) <= _MAX_WORDS and self.loose <= _MAX_LOOSE


def judge(password: str, *, common: CommonPasswords, context: frozenset[str]) -> Verdict:
    """FINE unless the whole text is explained by little.

    What explains: words of `context`, at most two different words of `common` (also in the usual
    disguise, `p@ssw0rd`), repetitions, sequences, walks on the keyboard, years, separators, and
    a few loose digits and signs. Letter case and compatibility forms make no difference.
    """
    text = _repeated_unit(unicodedata.normalize("NFKC", password).lower())
    if len(text) < 8 and text not in context:
        return Verdict.COMMON
    spellings = tuple(dict.fromkeys((text, *(text.translate(disguise) for disguise in _DISGUISES))))
    readings: list[_Reading | None] = [_Reading(), *[None] * len(text)]
    for start in range(len(text)):
        reading = readings[start]
        if reading is None:
            continue
        for end, longer in _continued(reading, spellings, start, common, context):
            known = readings[end]
            if longer.explains and (known is None or longer.effort < known.effort):
                readings[end] = longer
    whole = readings[-1]
    if whole is None:
        return Verdict.FINE
    return Verdict.CONTEXT if whole.context else Verdict.COMMON


def _continued(
    reading: _Reading,
    spellings: tuple[str, ...],
    start: int,
    common: CommonPasswords,
    context: frozenset[str],
) -> Iterator[tuple[int, _Reading]]:
    """Every way to explain some more of the text, with the place where it ends."""
    text = spellings[0]
    yield start + 1, replace(reading, loose=reading.loose + _looseness(text[start]))
    for end in range(start + 3, start + _pattern_length(text, start) + 1):
        yield end, reading
    for spelling in spellings:
        for word in context:
            if spelling.startswith(word, start):
                yield start + len(word), replace(reading, context=True)
        for end in range(start + _SHORTEST_LISTED, min(start + _LONGEST_LISTED, len(text)) + 1):
            if (word := spelling[start:end]) in common:
                yield end, replace(reading, words=reading.words | {word.strip(_DIGITS) or word})


def _looseness(character: str) -> int:
    """A stray letter is worth three digits or signs; what only separates is worth nothing."""
    if character in _SEPARATORS:
        return 0
    return 1 if character.isascii() and not character.isalpha() else 3


def _pattern_length(text: str, start: int) -> int:
    """How far a repetition, a sequence, a walk on the keyboard or a year reaches; else 0."""
    rest = text[start:]
    same = len(rest) - len(rest.lstrip(rest[0]))
    year = 4 if _YEAR.match(rest) else 0
    line = max(_shared_length(rest, sequence) for sequence in _SEQUENCES)
    walk = 1
    while walk < len(rest) and rest[walk] in _NEIGHBOURS.get(rest[walk - 1], ""):
        walk += 1
    return max(same, year, line, walk if walk >= _WALK_LENGTH else 0)


def _shared_length(text: str, sequence: str) -> int:
    """How much of the start of `text` runs along `sequence`."""
    at = sequence.find(text[0])
    length = 0
    if at >= 0:
        for ours, theirs in zip(text, sequence[at:], strict=False):
            if ours != theirs:
                break
            length += 1
    return length


def _repeated_unit(text: str) -> str:
    """What the text repeats at least twice, the last time perhaps in part; else the text."""
    for period in range(1, len(text) // 2 + 1):
        if text.startswith(text[period:]):
            return text[:period]
    return text
