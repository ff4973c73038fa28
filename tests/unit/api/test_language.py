"""Which language a request asks for."""

from __future__ import annotations

import pytest

from app.shared.api.language import language_of


@pytest.mark.parametrize(
    ("stated", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("de-AT", "de-AT"),
        ("DE-at", "de-AT"),
        ("de-Latn-DE", "de"),
        ("fr;q=0.5, de;q=0.9, en;q=0.8", "de"),
        ("fr;q=0, de;q=0.1", "de"),
        ("*, de;q=0.5", "de"),
        ("*", "en"),
        ("de;q=2", "en"),
        ("de;q=nan", "en"),
        ("de;q=1e400", "en"),
        ("de;level=1", "en"),
        ("\x00", "en"),
        ("x" * 9000, "en"),
        ("," * 9000 + "de", "en"),
    ],
)
async def test_the_most_wanted_language_that_can_be_read_is_taken(
    stated: str | None, language: str
) -> None:
    assert await language_of(stated) == language
