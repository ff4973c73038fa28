"""Structured logs: one JSON object per line for machines, coloured lines for a developer."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any, Literal

import asyncpg
import structlog
from pydantic import ValidationError
from structlog.typing import EventDict, Processor, WrappedLogger

LogStyle = Literal["json", "console"]

_SECRET_WORDS = ("password", "secret", "token", "authorization", "cookie", "api_key")


def redact(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
    """The last line of defence: a member with a telling name never shows its value."""
    for name, value in event_dict.items():
        if any(word in name.lower() for word in _SECRET_WORDS):
            event_dict[name] = "[redacted]"
        elif isinstance(value, dict):
            event_dict[name] = redact(_, __, value.copy())
    return event_dict


def forget_input(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
    """PostgreSQL's DETAIL quotes whole rows and pydantic what it was given; neither is logged."""
    logged = event_dict.get("exc_info")
    if logged is True:
        logged = sys.exc_info()
    error = logged[1] if isinstance(logged, tuple) else logged
    if isinstance(error, BaseException):
        event_dict["exc_info"] = _without_input(error)
    return event_dict


def _without_input(error: BaseException) -> BaseException:
    shown = error
    if isinstance(error, asyncpg.PostgresError):
        error.detail = None
    elif isinstance(error, ValidationError):
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        places = [f"{'.'.join(map(str, each['loc']))}: {each['type']}" for each in problems]
        shown = ValueError(f"{error.title}: {', '.join(places)}").with_traceback(
            error.__traceback__
        )
    elif isinstance(error, BaseExceptionGroup):
        shown = error.derive([_without_input(each) for each in error.exceptions])
        shown.__traceback__ = error.__traceback__
    if error.__cause__:
        shown.__cause__ = _without_input(error.__cause__)
    elif error.__context__ and not error.__suppress_context__:
        shown.__context__ = _without_input(error.__context__)
    return shown


def configure_logs(*, level: str, style: LogStyle) -> None:
    """Send our own logs and those of every library to stdout in one form. Process-wide."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
        forget_input,
    ]
    render: Processor
    if style == "json":
        # Without the local variables: among them are passwords and tokens.
        tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        shared.append(structlog.processors.ExceptionRenderer(tracebacks))
        render = structlog.processors.JSONRenderer()
    else:
        coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        render = structlog.dev.ConsoleRenderer(
            colors=coloured,
            exception_formatter=structlog.dev.RichTracebackFormatter(
                show_locals=False,
                # By "auto" it is without any: it is written for us, and not to a terminal.
                color_system="truecolor" if coloured else "auto",
            ),
        )
    least = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(least, logging.INFO))
    # Not "uvicorn.access": the boundary says everything about a request, once.
    _route_through_root("uvicorn", "uvicorn.error")


def _route_through_root(*names: str) -> None:
    for name in names:
        library: Any = logging.getLogger(name)
        library.handlers = []
        library.propagate = True
