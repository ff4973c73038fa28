"""What the documents say is there is there: links, snippets, settings, commands, endpoints."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
import typer
from fastapi import FastAPI
from pydantic.fields import FieldInfo

from app.cli import cli
from app.settings import Settings
from app.shared.api.route_tree import methods_at
from app.shared.infrastructure.settings_group import groups_of, variables_of
from app.shared.process import Process
from tests.architecture.markdown import (
    CLIENTS,
    DECISIONS,
    DOCUMENTS,
    HOW_TO_ADD_A_USE_CASE,
    OPERATIONS,
    README,
    ROOT,
    Document,
)
from tools.env_example import shown

SETTING = re.compile(r"\b(?:APP|AUTH|BROKER|DATABASE|EVENTS|MAIL)_[A-Z][A-Z_]*\b")
ROUTE = re.compile(r"\b(GET|POST|PATCH|PUT|DELETE) (/\S+)")
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)

every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=str)


@every_document
def test_every_link_leads_somewhere(document: Document) -> None:
    for link in document.links():
        path, _, anchor = link.partition("#")
        target = (document.path.parent / path).resolve() if path else document.path

        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in Document(target).anchors(), link


@every_document
def test_every_setting_that_is_named_exists(document: Document) -> None:
    named = {name.removesuffix("_FILE") for name in SETTING.findall(document.text)}

    assert named <= settings().keys()


@every_document
def test_every_make_target_that_is_named_exists(document: Document) -> None:
    targets = set(TARGET.findall((ROOT / "Makefile").read_text("utf-8")))
    named = (code.split() for code in document.code() if re.match(r"make [a-z]", code))

    assert {words[1] for words in named} <= targets


@every_document
def test_every_command_that_is_named_exists(document: Document) -> None:
    for code in document.code():
        if match := re.match(r"(?:.*/bin/)?app ([a-z].*)", code):
            command: Any = typer.main.get_command(cli)
            for word in match[1].split():
                if not isinstance(command, click.Group | typer.core.TyperGroup):
                    break
                assert word in command.commands, code
                command = command.commands[word]


@every_document
def test_every_endpoint_that_is_named_exists(document: Document, product: FastAPI) -> None:
    named = (ROUTE.match(code) for code in document.code())

    for match in filter(None, named):
        assert match[1] in methods_at(product, match[2]), match[0]


def test_every_address_in_the_readme_is_served(product: FastAPI) -> None:
    paths = {f"/api/v1{path}" for path in re.findall(r"\$api(/[\w/-]+)", README.text)}
    paths |= set(re.findall(r"<http://127.0.0.1:8000(/[\w/]*)>", README.text))

    assert {"/api/v1/auth/login", "/docs", "/problems/token_reused"} <= paths
    for path in paths:
        assert methods_at(product, path), path


def test_the_operators_table_has_every_setting_with_its_default_and_meaning() -> None:
    rows = [line for line in OPERATIONS.text.splitlines() if re.match(r"\| `[A-Z_]+` \|", line)]

    assert rows == [
        f"| `{name}` | `{shown(field.default)}` | {field.description} |".replace("``", "")
        for name, field in settings().items()
    ]


def test_the_operators_table_has_every_job(process: Process) -> None:
    section = OPERATIONS.text.partition("\n## Scheduled work\n")[2].partition("\n## ")[0]

    listed = re.findall(r"^\| `([a-z_.]+)` \|", section, re.MULTILINE)

    assert sorted(listed) == sorted(process.scheduler.jobs)


@pytest.mark.parametrize("document", DECISIONS, ids=str)
def test_a_decision_says_what_forced_it_and_what_it_turned_down(document: Document) -> None:
    number = document.path.name[:4]
    headings = re.findall(r"^## (.+)$", document.text, re.MULTILINE)

    assert document.text.startswith(f"# {number} ")
    assert headings == ["Context", "Decision", "Consequences", "Rejected"]


def test_the_list_of_decisions_is_complete() -> None:
    listed = Document(ROOT / "docs/adr/README.md").links()

    assert sorted(listed) == [document.path.name for document in DECISIONS]


@pytest.mark.parametrize(
    "document",
    [
        document
        for document in DOCUMENTS
        if document.blocks("python") and document != HOW_TO_ADD_A_USE_CASE
    ],
    ids=str,
)
async def test_every_snippet_runs_and_its_tests_pass(document: Document) -> None:
    for code in document.blocks("python"):
        names = run(code, document)

        for name, value in names.items():
            if name.startswith("test_") and not inspect.signature(value).parameters:
                await value()


def test_the_readme_shows_a_test_of_a_handler() -> None:
    assert "async def test_" in "".join(README.blocks("python"))


def test_the_documented_client_keeps_its_session_through_everything_but_a_terminal_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [code] = CLIENTS.blocks("python")
    refresh = run(code, CLIENTS)["refresh"]
    problem = {"Content-Type": "application/problem+json"}
    answers: list[httpx.Response | Exception] = [
        httpx.ConnectError("no answer"),
        httpx.Response(502, text="a proxy's page"),
        httpx.Response(401, text="a proxy's page"),
        httpx.Response(503, json={"code": "overloaded"}, headers={**problem, "Retry-After": "7"}),
        httpx.Response(
            401,
            json={"code": "token_superseded", "terminal": False},
            headers={**problem, "Retry-After": "3"},
        ),
        httpx.Response(200, json={"refresh_token": "second"}),
        httpx.Response(401, json={"code": "token_reused", "terminal": True}, headers=problem),
    ]
    sent: list[bytes] = []
    waits: list[float] = []
    store = Memory({"refresh_token": "first"})
    monkeypatch.setattr("time.sleep", waits.append)

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.read())
        given = answers.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://test") as http:
        goes_on = [refresh(http, store), refresh(http, store)]

    assert goes_on == [True, False]
    assert waits == [1, 1, 1, 7, 3]
    assert [b"first" in body for body in sent] == [True] * 6 + [False]
    assert store.pair == {}


def test_the_use_case_that_is_shown_works_when_it_is_copied(tmp_path: Path) -> None:
    source = tmp_path / "src"
    shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    for block in HOW_TO_ADD_A_USE_CASE.blocks("python"):
        place, code = block.split("\n", 1)
        apply(code, tmp_path / place.removeprefix("# "))
    (tmp_path / "try.py").write_text(TRY, "utf-8")

    tried = subprocess.run(
        [sys.executable, "try.py"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert tried.stdout.split() == [str(source), "DELETE", "1", "passed"], tried.stderr


TRY = """
import asyncio
import contextlib
import runpy
import sys
from pathlib import Path

import app
from app.main import create_app
from app.shared.api.route_tree import methods_at

with contextlib.redirect_stdout(sys.stderr):
    methods = methods_at(create_app(), "/api/v1/users/me/handle")
    names = runpy.run_path("tests/unit/users/test_give_up_handle.py")
    passed = [name for name in names if name.startswith("test_")]
    for name in passed:
        asyncio.run(names[name]())
print(Path(app.__file__).parents[1], *methods, len(passed), "passed")
"""


class Memory:
    """A store that a real client would make durable."""

    def __init__(self, pair: dict[str, Any]) -> None:
        self.pair = pair

    def read(self) -> dict[str, Any]:
        return self.pair

    def write(self, pair: dict[str, Any]) -> None:
        self.pair = pair

    def clear(self) -> None:
        self.pair = {}


def run(code: str, document: Document) -> dict[str, Any]:
    """The names that the code leaves behind."""
    names: dict[str, Any] = {"__name__": str(document)}
    exec(compile(code, str(document), "exec", dont_inherit=True), names)  # noqa: S102  # it is ours
    return names


def apply(code: str, file: Path) -> None:
    """Make the file, or add to it: imports below the first import, the rest at the end."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code, "utf-8")
        return
    imports, _, rest = code.strip("\n").partition("\n\n")
    first = "from __future__ import annotations\n"
    file.write_text(file.read_text("utf-8").replace(first, f"{first}{imports}\n") + f"\n{rest}\n")


def settings() -> dict[str, FieldInfo]:
    """Every setting by the name of its variable."""
    return {
        name: field for group in groups_of(Settings) for name, field in variables_of(group).items()
    }
