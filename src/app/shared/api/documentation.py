"""/docs, /redoc and /openapi.json, with every asset served by ourselves."""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import (
    get_redoc_html,
    get_swagger_ui_html,
    get_swagger_ui_oauth2_redirect_html,
)
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response

from app.shared.api.openapi import openapi

_PACKAGE = "fastapi-standalone-docs"
_ASSETS = {
    "swagger-ui-bundle.js": "swagger/swagger-ui-bundle.js",
    "swagger-ui.css": "swagger/swagger-ui.css",
    "redoc.standalone.js": "redoc/redoc.standalone.js",
    "favicon.png": "fastapi/favicon.png",
}
_LOGO = "redoc/logo-mini.svg"
_SWAGGER_UI: dict[str, Any] = {
    "persistAuthorization": True,
    "tryItOutEnabled": True,
    # By default it shows a badge that another host paints after reading our description.
    "validatorUrl": None,
}
_SAME_HOST = {
    # Both pages need inline scripts; what they must not do is to ask another host for anything.
    "Content-Security-Policy": (
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'none'"
    ),
}


def install_documentation(app: FastAPI, *, token_url: str | None = None) -> None:
    """Add the documentation routes; the application is made without FastAPI's own.

    `token_url` is the path of the password grant that the Authorize button logs in with; without
    one the button asks for a token.
    """
    folder = Path(str(files(_PACKAGE.replace("-", "_")))) / "static"
    # The version in the path makes the answers immutable: another version has another path.
    assets = f"/docs/assets/{version(_PACKAGE)}"

    def html(page: HTMLResponse) -> HTMLResponse:
        page.headers.update(_SAME_HOST)
        return page

    def prefix(request: Request) -> str:
        root_path: str = request.scope.get("root_path", "")
        return root_path.rstrip("/")

    async def description(_request: Request) -> Response:
        return JSONResponse(openapi(app, token_url=token_url))

    async def docs(request: Request) -> Response:
        root = prefix(request)
        return html(
            get_swagger_ui_html(
                openapi_url=f"{root}/openapi.json",
                title=app.title,
                swagger_js_url=f"{root}{assets}/swagger-ui-bundle.js",
                swagger_css_url=f"{root}{assets}/swagger-ui.css",
                swagger_favicon_url=f"{root}{assets}/favicon.png",
                oauth2_redirect_url=f"{root}/docs/oauth2-redirect",
                swagger_ui_parameters=_SWAGGER_UI,
            )
        )

    async def oauth2_redirect(_request: Request) -> Response:
        return html(get_swagger_ui_oauth2_redirect_html())

    async def redoc(request: Request) -> Response:
        root = prefix(request)
        return html(
            get_redoc_html(
                openapi_url=f"{root}/openapi.json",
                title=app.title,
                redoc_js_url=f"{root}{assets}/redoc.standalone.js",
                redoc_favicon_url=f"{root}{assets}/favicon.png",
                with_google_fonts=False,
            )
        )

    async def asset(request: Request) -> Response:
        file = _ASSETS.get(request.path_params["name"])
        if file is None:
            raise HTTPException(404)
        return FileResponse(
            folder / file, headers={"Cache-Control": "public, max-age=31536000, immutable"}
        )

    async def logo(_request: Request) -> Response:
        return FileResponse(folder / _LOGO, headers={"Cache-Control": "public, max-age=86400"})

    async def front_door(request: Request) -> Response:
        return RedirectResponse(f"{prefix(request)}/docs")

    for path, endpoint in (
        ("/", front_door),
        ("/openapi.json", description),
        ("/docs", docs),
        ("/docs/oauth2-redirect", oauth2_redirect),
        (f"{assets}/{{name}}", asset),
        ("/redoc", redoc),
        # ReDoc's bundle asks for its logo below the page's own path.
        ("/redoc/logo-mini.svg", logo),
    ):
        app.add_route(path, endpoint, include_in_schema=False)
