"""Names of the web as an operator writes them, and as browsers do."""

from __future__ import annotations

import pytest

from app.shared.infrastructure.web_names import origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://API.Example.com/base", "https://api.example.com"),
        ("https://api.example.com:443", "https://api.example.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://example.com:80/x", "http://example.com"),
        ("https://example.com:80", "https://example.com:80"),
        ("HTTP://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin
