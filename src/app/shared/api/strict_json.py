"""Request bodies that every JSON reader understands alike, refused before a route sees them.

Python's own reader takes NaN, lone surrogates, repeated names and UTF-16; each of them is a 500, a
bypass or a wrong account somewhere further in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine
from math import isfinite
from typing import Annotated, Any, NoReturn

from fastapi import APIRouter, FastAPI, params
from fastapi.routing import APIRoute
from pydantic import StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from app.shared.api.errors import MalformedBodyError, UnsupportedMediaTypeError
from app.shared.api.route_tree import operation_id, operations

MAX_DEPTH = 32
MAX_MEMBERS = 256
MAX_INTEGER_DIGITS = 19
"""What a signed 64-bit integer may need, besides its sign."""

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""A string that PostgreSQL can store: JSON allows U+0000, `text` does not."""

_JSON = re.compile(r"application/(?:[a-z0-9!#$&^_.+-]+\+)?json")
_FORM = re.compile(r"application/x-www-form-urlencoded")
_FILES = re.compile(r"multipart/form-data")


class LaxRouteError(Exception):
    """A route takes a body and reads it by the framework's own rules."""


def parse(body: bytes) -> Any:
    """The one JSON document (RFC 8259, RFC 7493) in the body; raises `MalformedBodyError`."""
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_refuse_constant,
        )
        if b"\\u" in body:
            # Only an escape can bring half a character in; then it cannot be written as UTF-8.
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        # The cause is not kept: it quotes the body.
        raise MalformedBodyError from None
    brackets = body.count(b"[") + body.count(b"{")
    if brackets > MAX_DEPTH and _is_deeper([document], MAX_DEPTH + 1):
        raise MalformedBodyError
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs) or len(pairs) > MAX_MEMBERS:
        raise ValueError
    return members


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_INTEGER_DIGITS:
        raise ValueError
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if not isfinite(value):
        raise ValueError
    return value


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError


def _is_deeper(document: Any, limit: int) -> bool:
    level = [document]
    for _ in range(limit):
        level = [
            part
            for whole in level
            for part in (whole.values() if isinstance(whole, dict) else whole)
            if isinstance(part, dict | list)
        ]
    return bool(level)


class StrictRequest(Request):
    """A request whose JSON was read by our rules before the framework asks for it."""

    document: Any = None

    async def json(self) -> Any:
        return self.document


class StrictRoute(APIRoute):
    """A route that reads JSON strictly; forms only where it declares form fields."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle
        if isinstance(self.body_field.field_info, params.Form):
            files = isinstance(self.body_field.field_info, params.File)
            expected = _FILES if files else _FORM

            async def handle_form(request: Request) -> Response:
                _check_media_type(request, expected)
                return await handle(request)

            return handle_form

        async def handle_json(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            if body := await strict.body():
                _check_media_type(request, _JSON)
                strict.document = parse(body)
            return await handle(strict)

        return handle_json


def _check_media_type(request: Request, expected: re.Pattern[str]) -> None:
    stated = request.headers.getlist("content-type")
    if stated == ["application/json"] and expected is _JSON:
        return
    essence, *parameters = ",".join(stated).lower().split(";")
    if not expected.fullmatch(essence.strip()):
        raise UnsupportedMediaTypeError
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            raise UnsupportedMediaTypeError


def module_router(prefix: str, tags: list[str]) -> APIRouter:
    """The router that every module builds its resources on."""
    return APIRouter(
        prefix=prefix,
        tags=[*tags],
        route_class=StrictRoute,
        generate_unique_id_function=operation_id,
    )


def assert_strict(app: FastAPI) -> None:
    """Raise `LaxRouteError` naming the routes whose body would be read by other rules."""
    lax = [
        str(operation)
        for operation in operations(app)
        if operation.takes_body
        and not (isinstance(operation.route, StrictRoute) and operation.route.body_field)
    ]
    if lax:
        raise LaxRouteError(", ".join(lax))
