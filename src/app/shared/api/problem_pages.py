"""/problems/{code}: a page about each refusal, where the `type` of its answers points."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.shared.api.errors import RouteNotFoundError, status_of
from app.shared.api.html_pages import HTML_PAGES
from app.shared.api.problems import title_of
from app.shared.domain.errors import DomainError

_ADVICE = {
    401: "Log in, or send a valid access token.",
    403: "Do not repeat the request: this caller lacks the right.",
    404: "Check the path; what it names is not there, or not for this caller.",
    409: "Read the present state and decide again.",
    412: "Read the present version with its `ETag` and decide again.",
    428: "Read the resource and send its `ETag` as `If-Match`.",
    429: "Wait as many seconds as `Retry-After` says, then repeat the request.",
    500: "This is a defect of the service. Quote the request id from `instance` when reporting it.",
    503: "Wait as many seconds as `Retry-After` says, then repeat the request.",
}
_OTHERWISE = "Change the request; repeated as it is, it will be refused again."
_TERMINAL = (
    "Forget the token; repeating the request with it cannot succeed. If it is an access token,"
    " refresh once and repeat the request. If it is a refresh token, log in again."
)
_NOT_TERMINAL = (
    "Keep the session. Wait as many seconds as `Retry-After` says and use the newest token that"
    " you hold."
)
_HEADERS = {
    "Cache-Control": "public, max-age=3600",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
}


class CodeClashError(Exception):
    """Two refusals share a code and differ in what a client must do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What there is to say about one code."""

    code: str
    status: int
    terminal: bool | None
    detail: str
    meanings: tuple[str, ...]
    """One for each refusal that has this code."""

    def page(self) -> str:
        advice = _ADVICE.get(self.status, _OTHERWISE)
        if self.terminal is not None:
            advice = _TERMINAL if self.terminal else _NOT_TERMINAL
        phrase = HTTPStatus(self.status).phrase
        template = HTML_PAGES.get_template("problem.html")
        return template.render(entry=self, title=title_of(self.code), phrase=phrase, advice=advice)


def catalogue() -> dict[str, Entry]:
    """Every refusal that has been imported, by code.

    Raises `CodeClashError`, and `UnmappedErrorError` for a refusal of no kind.
    """
    entries: dict[str, Entry] = {}
    for error in sorted(_refusals(DomainError), key=lambda error: error.__module__):
        entry = Entry(
            code=error.code,
            status=status_of(error),
            terminal=error.terminal,
            detail=error.detail,
            meanings=(inspect.cleandoc(error.__doc__ or error.detail),),
        )
        if known := entries.get(error.code):
            if (known.status, known.terminal) != (entry.status, entry.terminal):
                raise CodeClashError(f"{error.__qualname__} uses the code {error.code} otherwise")
            entry = replace(known, meanings=known.meanings + entry.meanings)
        entries[error.code] = entry
    return entries


def _refusals(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for error in kind.__subclasses__():
        if "code" in vars(error):
            yield error
        yield from _refusals(error)


def install_problem_pages(app: FastAPI) -> None:
    """Add the pages; call it when every module has been imported."""
    entries = catalogue()

    async def problem_page(request: Request) -> Response:
        entry = entries.get(request.path_params["code"])
        if entry is None:
            raise RouteNotFoundError
        return HTMLResponse(entry.page(), headers=_HEADERS)

    app.add_route("/problems/{code}", problem_page, include_in_schema=False)
