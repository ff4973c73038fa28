"""What the integration tests of all modules share."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from sqlalchemy import make_url


@pytest.fixture
def unreachable_url(database: str) -> Iterator[str]:
    """The database's URL with a port at which nobody listens, for as long as the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        url = make_url(database).set(host="127.0.0.1", port=port)
        yield url.render_as_string(hide_password=False)
