"""The kernel's pages for people: templates in which every value is text."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

HTML_PAGES = Environment(
    loader=PackageLoader("app.shared.api", "pages"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
