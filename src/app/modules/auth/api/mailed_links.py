"""Where links in mails lead while there is no front end: development only.

The token is in the fragment, which no browser sends. The page shows a button, for opening a link
must not do anything yet: programs open links too.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

router = APIRouter()

_SCRIPT = files("app.modules.auth.api").joinpath("pages/mailed_link.js").read_text("utf-8")
_DIGEST = b64encode(sha256(_SCRIPT.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src 'sha256-{_DIGEST}'; connect-src 'self';"
        " style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
}
_TEMPLATE = Environment(
    loader=PackageLoader("app.modules.auth.api", "pages"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
).get_template("mailed_link.html")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """One link, and the route that its token is for."""

    title: str
    action: str
    done: str
    consumed_by: str
    asks_for_password: bool = False


_PAGES = {
    "/verify-email": _Page(
        title="Confirm your e-mail address",
        action="Confirm",
        done="Your address is confirmed.",
        consumed_by="/api/v1/auth/email/verify",
    ),
    "/confirm-email": _Page(
        title="Confirm your new e-mail address",
        action="Use this address",
        done="Your account has its new address.",
        consumed_by="/api/v1/auth/email/change/confirm",
    ),
    "/reset-password": _Page(
        title="Choose a new password",
        action="Set the password",
        done="Your password is set. Log in with it.",
        consumed_by="/api/v1/auth/password/reset",
        asks_for_password=True,
    ),
}


def _endpoint(page: _Page) -> Callable[[Request], Awaitable[Response]]:
    async def mailed_link(request: Request) -> Response:
        root_path: str = request.scope.get("root_path", "").rstrip("/")
        html = _TEMPLATE.render(page=page, root_path=root_path, script=_SCRIPT)
        return HTMLResponse(html, headers=_HEADERS)

    return mailed_link


for _path, _page in _PAGES.items():
    router.add_route(_path, _endpoint(_page), include_in_schema=False)
