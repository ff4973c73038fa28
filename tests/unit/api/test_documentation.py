"""The documentation pages work without any other host and describe what we really answer."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

import pytest
from fastapi import APIRouter, FastAPI, Form
from fastapi.openapi.models import OpenAPI
from pydantic import BaseModel

from app.shared.api.caller import BearerToken, Caller
from app.shared.api.documentation import install_documentation
from app.shared.api.errors import RouteNotFoundError
from app.shared.api.etag import VERSIONED, IfMatch
from app.shared.api.inject import Inject
from app.shared.api.openapi import openapi
from app.shared.api.problem_pages import install_problem_pages
from app.shared.api.refusals import refusals
from app.shared.api.strict_json import module_router
from app.shared.application.authorization import ANYONE, Access
from app.shared.application.handler import handler
from app.shared.domain.errors import ThrottledError
from tests.unit.api.small_app import ask, small_app

TOKEN_URL = "/api/v1/auth/token"
PAGES = ["/docs", "/redoc", "/docs/oauth2-redirect", "/problems/internal"]


class BusyError(ThrottledError):
    code = "busy"
    detail = "Busy."


class Note(BaseModel):
    text: str


@handler
class ShowNewest:
    access: ClassVar[Access] = ANYONE

    async def __call__(self, message: object) -> None: ...


def _router() -> APIRouter:
    router = module_router("/notes", ["notes"])

    @router.post("")
    async def write(body: Note, caller: Caller) -> Note:
        return body

    @router.get("/newest")
    async def newest(show: Inject[ShowNewest]) -> None: ...

    @router.post("/token", responses={400: {"model": Note, "description": "RFC 6749"}})
    async def token(username: Annotated[str, Form()]) -> None: ...

    @router.delete("/{note_id}", status_code=204, responses=refusals(RouteNotFoundError, BusyError))
    async def forget(note_id: int, token: BearerToken) -> None: ...

    @router.patch("", responses={200: VERSIONED})
    async def edit(body: Note, versions: IfMatch, caller: Caller) -> Note:
        return body

    return router


def _documented(token_url: str | None = TOKEN_URL) -> FastAPI:
    app = small_app(_router())
    install_documentation(app, token_url=token_url)
    install_problem_pages(app)
    return app


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_names_no_other_host(path: str) -> None:
    answer = await ask(_documented(), "GET", path)

    assert answer.status_code == 200
    assert re.findall(r"(?:https?:)?//[\w.-]+", answer.text) == []
    assert re.search(r"https?:|\*", answer.headers["content-security-policy"]) is None


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_what_a_page_loads_is_served_and_may_be_kept_for_good(path: str) -> None:
    app = _documented()
    page = await ask(app, "GET", path)
    references = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    answers = [await ask(app, "GET", reference) for reference in references]

    assert len(references) >= 2
    assert [answer.status_code for answer in answers] == [200] * len(references)
    assert all("immutable" in answer.headers["cache-control"] for answer in answers)


async def test_no_asset_asks_another_host_for_a_font_an_image_or_a_script() -> None:
    app = _documented()
    page = await ask(app, "GET", "/docs")
    (css,) = re.findall(r'href="([^"]+\.css)"', page.text)
    (script,) = re.findall(r'src="([^"]+\.js)"', (await ask(app, "GET", "/redoc")).text)

    styles = (await ask(app, "GET", css)).text
    redoc = (await ask(app, "GET", script)).text

    loaded = re.findall(r"url\(\s*[\"']?(\w+:)", styles)
    assert (len(loaded), set(loaded)) == (styles.count("url("), {"data:"})
    assert "@import" not in styles
    assert "fonts.googleapis" not in redoc
    assert "cdn.redoc" not in redoc
    assert '"validatorUrl": null' in page.text
    assert (await ask(app, "GET", "/redoc/logo-mini.svg")).status_code == 200


async def test_an_unknown_asset_is_a_problem() -> None:
    app = _documented()
    page = await ask(app, "GET", "/docs")
    (css,) = re.findall(r'href="([^"]+\.css)"', page.text)

    answer = await ask(app, "GET", css.replace("swagger-ui.css", "LICENSE"))

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_proxy_prefix_is_kept_in_every_reference() -> None:
    app = _documented()
    app.root_path = "/service"

    page = await ask(app, "GET", "/service/docs")

    references = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert all(reference.startswith("/service/docs/") for reference in references)
    assert "'/service/openapi.json'" in page.text


async def test_the_front_door_leads_to_the_docs() -> None:
    answer = await ask(_documented(), "GET", "/")

    assert answer.headers["location"] == "/docs"


async def test_without_documentation_there_is_none() -> None:
    app = small_app(_router())

    answers = [await ask(app, "GET", path) for path in ("/docs", "/redoc", "/openapi.json", "/")]

    assert [answer.status_code for answer in answers] == [404] * 4


async def test_authorize_logs_in_with_a_password_where_there_is_such_a_grant() -> None:
    description = (await ask(_documented(), "GET", "/openapi.json")).json()

    assert description["components"]["securitySchemes"]["bearer"] == {
        "type": "oauth2",
        "flows": {"password": {"tokenUrl": TOKEN_URL, "scopes": {}}},
    }
    assert description["paths"]["/api/v1/notes"]["post"]["security"] == [{"bearer": []}]


async def test_authorize_asks_for_a_token_otherwise() -> None:
    _documented()

    description = (await ask(_documented(None), "GET", "/openapi.json")).json()

    scheme = description["components"]["securitySchemes"]["bearer"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


async def responses_of(method: str, path: str) -> dict[str, Any]:
    description = (await ask(_documented(), "GET", "/openapi.json")).json()
    OpenAPI.model_validate(description)
    found: dict[str, Any] = description["paths"][f"/api/v1/notes{path}"][method]["responses"]
    return found


ALWAYS = {"400", "413", "414", "431", "500", "503"}


@pytest.mark.parametrize(
    ("method", "path", "stated"),
    [
        ("post", "", {"200", "401", "415", "422"}),
        ("post", "/token", {"200", "415", "422"}),
        ("delete", "/{note_id}", {"204", "401", "404", "422", "429"}),
        ("patch", "", {"200", "401", "415", "422", "428"}),
    ],
)
async def test_a_route_states_the_refusals_that_follow_from_its_shape_and_its_own(
    method: str, path: str, stated: set[str]
) -> None:
    responses = await responses_of(method, path)

    assert {*responses} == stated | ALWAYS
    assert list(responses) == sorted(responses)
    refused = [answer for status, answer in responses.items() if status >= "4"]
    assert all("application/problem+json" in answer["content"] for answer in refused)
    assert all("X-Request-ID" in answer["headers"] for answer in responses.values())


async def test_a_refusal_names_its_codes_and_its_headers() -> None:
    responses = await responses_of("delete", "/{note_id}")

    assert responses["429"]["description"] == "Too Many Requests: `busy`"
    assert "Retry-After" in responses["429"]["headers"]
    assert "`unauthenticated`" in responses["401"]["description"]
    assert "WWW-Authenticate" in responses["401"]["headers"]


async def test_a_route_that_asks_the_database_says_that_it_may_be_away() -> None:
    with_a_use_case = await responses_of("get", "/newest")
    with_a_caller = await responses_of("patch", "")
    with_neither = await responses_of("post", "/token")

    assert "`database_unavailable`" in with_a_use_case["503"]["description"]
    assert "`database_unavailable`" in with_a_caller["503"]["description"]
    assert "`database_unavailable`" not in with_neither["503"]["description"]


async def test_a_route_s_own_answer_of_a_status_stays_beside_ours() -> None:
    responses = await responses_of("post", "/token")

    assert {*responses["400"]["content"]} == {"application/json", "application/problem+json"}


async def test_the_description_says_how_a_version_is_shown_and_asked_for() -> None:
    description = (await ask(_documented(), "GET", "/openapi.json")).json()

    edit = description["paths"]["/api/v1/notes"]["patch"]

    [parameter] = edit["parameters"]
    assert (parameter["name"], parameter["required"]) == ("If-Match", True)
    assert edit["responses"]["200"]["headers"]["ETag"]["required"]


async def test_a_token_that_a_route_can_do_without_is_optional() -> None:
    description = (await ask(_documented(), "GET", "/openapi.json")).json()

    forget = description["paths"]["/api/v1/notes/{note_id}"]["delete"]

    assert forget["security"] == [{"bearer": []}, {}]


async def test_an_operation_is_called_as_its_function_is() -> None:
    description = (await ask(_documented(), "GET", "/openapi.json")).json()

    assert description["paths"]["/api/v1/notes"]["post"]["operationId"] == "write"
    assert [tag["name"] for tag in description["tags"]] == ["notes"]
    assert "HTTPValidationError" not in str(description)


async def test_the_documented_members_are_those_of_a_real_problem() -> None:
    app = _documented()

    problem = (await ask(app, "POST", "/api/v1/notes", json={"text": 1})).json()

    schema = openapi(app)["components"]["schemas"]["Problem"]
    assert set(problem) <= set(schema["properties"])
    assert set(schema["required"]) <= set(problem)
