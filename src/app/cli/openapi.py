"""`app openapi`: the description of the API, also where no server shows it."""

from __future__ import annotations

from app.cli.showing import show_json
from app.main import create_app
from app.settings import Settings
from app.shared.api import openapi as description


def openapi() -> None:
    """Print the OpenAPI document, from which typed clients are generated. Asks no database."""
    show_json(description.openapi(create_app(Settings.load())))
