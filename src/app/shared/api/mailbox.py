"""/dev/mailbox: in development, what would have gone out as mail, and what all mails look like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.shared.api.errors import OriginRefusedError, RouteNotFoundError
from app.shared.api.html_pages import HTML_PAGES
from app.shared.application.mailbox import KeptMail, Mailbox
from app.shared.application.mailer import Mail, MailPreview

_PATH = "/dev/mailbox"
_PAGE = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
}
_FRAMED = {
    # A stranger's HTML: it may look like something and lead somewhere, in a tab of its own.
    "Content-Security-Policy": (
        "sandbox allow-popups allow-popups-to-escape-sandbox;"
        " default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}
_LINKS_LEAD_OUT = '<base target="_blank">'


def install_mailbox(
    app: FastAPI, mailbox: Mailbox, previews: Callable[[], Sequence[MailPreview]]
) -> None:
    """Add the pages, which show links that open accounts to whoever asks: development only."""

    def home(request: Request) -> str:
        root_path: str = request.scope.get("root_path", "")
        return root_path.rstrip("/") + _PATH

    def page(request: Request, template: str, **values: Any) -> Response:
        html = HTML_PAGES.get_template(template).render(home=home(request), **values)
        return HTMLResponse(html, headers=_PAGE)

    async def mails(request: Request) -> Response:
        return page(request, "mails.html", mails=await mailbox.newest())

    async def kept(request: Request) -> KeptMail:
        found = await mailbox.find(request.path_params["id"])
        if found is None:
            raise RouteNotFoundError
        return found

    async def mail(request: Request) -> Response:
        found = await kept(request)
        return page(request, "mail.html", mail=found, at=f"mails/{found.id}", kept=True)

    async def mail_html(request: Request) -> Response:
        return _framed((await kept(request)).html)

    async def mail_raw(request: Request) -> Response:
        found = await kept(request)
        name = {"Content-Disposition": f'attachment; filename="{found.id}.eml"'}
        return Response(found.raw, media_type="message/rfc822", headers=name)

    async def clear(request: Request) -> Response:
        if request.headers.get("sec-fetch-site") != "same-origin":
            raise OriginRefusedError
        await mailbox.clear()
        return RedirectResponse(home(request), status_code=303)

    def previewed(request: Request) -> Mail:
        asked = (request.path_params["name"], request.path_params["language"])
        for one in previews():
            if (one.name, one.language) == asked:
                return one.mail
        raise RouteNotFoundError

    async def all_previews(request: Request) -> Response:
        return page(request, "previews.html", previews=previews())

    async def preview(request: Request) -> Response:
        at = "previews/{name}/{language}".format(**request.path_params)
        return page(request, "mail.html", mail=previewed(request), at=at, kept=False)

    async def preview_html(request: Request) -> Response:
        return _framed(previewed(request).html)

    for path, endpoint in (
        ("", mails),
        ("/mails/{id}", mail),
        ("/mails/{id}/html", mail_html),
        ("/mails/{id}/eml", mail_raw),
        ("/previews", all_previews),
        ("/previews/{name}/{language}", preview),
        ("/previews/{name}/{language}/html", preview_html),
    ):
        app.add_route(_PATH + path, endpoint, include_in_schema=False)
    app.add_route(f"{_PATH}/clear", clear, methods=["POST"], include_in_schema=False)


def _framed(html: str) -> Response:
    before, head, after = html.partition("<head>")
    shown = f"{before}{head}{_LINKS_LEAD_OUT}{after}" if head else f"{_LINKS_LEAD_OUT}{html}"
    return HTMLResponse(shown, headers=_FRAMED)
