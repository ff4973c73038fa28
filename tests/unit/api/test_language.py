"""Which language a request asks for."""

from __future__ import annotations

import pytest
from fastapi import APIRouter

from app.shared.api.language import Language, best_language
from app.shared.api.openapi import openapi
from app.shared.application.languages import Languages
from tests.unit.api.small_app import ask, small_app

LANGUAGES = Languages({"en", "de", "pt-BR"})


@pytest.mark.parametrize(
    ("stated", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT", "de-AT"),
        ("DE-at", "de-AT"),
        ("de-Latn-DE", "de"),
        ("pt-br", "pt-BR"),
        ("fr;q=0.5, de;q=0.9, en;q=0.8", "de"),
        ("de;q=0.5, en;q=0.5", "de"),
        ("de;Q=0.5", "de"),
    ],
)
def test_the_most_wanted_language_is_taken(stated: str, language: str) -> None:
    assert best_language(stated, LANGUAGES) == language


@pytest.mark.parametrize(
    ("stated", "language"),
    [
        ("fr, de;q=0.3", "de"),
        ("fr, de-CH;q=0.3, en;q=0.2", "de-CH"),
        ("de;q=0.3, fr, en;q=0.7", "en"),
        ("fr, pt-BR;q=0.3", "pt-BR"),
        ("pt, de;q=0.3", "de"),
    ],
)
def test_one_that_people_are_written_to_in_comes_before_one_that_they_are_not(
    stated: str, language: str
) -> None:
    assert best_language(stated, LANGUAGES) == language


@pytest.mark.parametrize(
    ("stated", "language"), [("fr", "fr"), ("fr-CA, it;q=0.9", "fr-CA"), ("it;q=0.5, fr", "fr")]
)
def test_where_none_is_wanted_that_there_is_the_most_wanted_one_is_kept(
    stated: str, language: str
) -> None:
    assert best_language(stated, LANGUAGES) == language


@pytest.mark.parametrize(
    ("stated", "language"),
    [
        ("fr;q=0, de;q=0.1", "de"),
        ("de-AT;q=0.9, de;q=0, en;q=0.1", "en"),
        ("fr, de;q=0.000", "fr"),
        ("en;q=0", "en"),
    ],
)
def test_a_refused_language_is_not_taken_while_there_is_another(stated: str, language: str) -> None:
    assert best_language(stated, LANGUAGES) == language


@pytest.mark.parametrize(
    ("stated", "language"),
    [
        ("*", "en"),
        ("*, de;q=0.5", "de"),
        ("fr, *;q=0.5", "en"),
        ("fr, *;q=0", "fr"),
        ("*, en;q=0", "de"),
        ("*;q=0.1, en;q=0, de;q=0", "pt-BR"),
    ],
)
def test_an_asterisk_is_whatever_is_not_named_and_counts_last(stated: str, language: str) -> None:
    assert best_language(stated, LANGUAGES) == language


@pytest.mark.parametrize(
    "stated",
    [
        "de;q=2",
        "de;q=nan",
        "de;q=1e400",
        "de;level=1",
        "\x00",
        "i-klingon",
        "deutsch",
        "x" * 9000,
        "," * 9000 + "de",
    ],
)
def test_what_cannot_be_read_asks_for_nothing(stated: str) -> None:
    assert best_language(stated, LANGUAGES) == "en"


@pytest.mark.parametrize(("headers", "language"), [({}, "en"), ({"Accept-Language": "de"}, "de")])
async def test_a_route_is_told_what_the_header_asks_for(
    headers: dict[str, str], language: str
) -> None:
    router = APIRouter()

    @router.get("/language")
    async def language_of(language: Language) -> str:
        return language

    app = small_app(router)
    app.state.provided = {Languages: LANGUAGES}

    answer = await ask(app, "GET", "/api/v1/language", headers=headers)

    assert answer.json() == language
    [described] = openapi(app)["paths"]["/api/v1/language"]["get"]["parameters"]
    assert described["name"] == "Accept-Language"
