"""Every promise of docs/guarantees.md names tests, and every test that it names exists."""

from __future__ import annotations

import ast
import re

from tests.architecture.markdown import DOCUMENTS, GUARANTEES, ROOT

NAMED = re.compile(r"`(?:tests/)?([\w/]+\.py)::(\w+)`")
FILE = re.compile(r"`(tests/[\w/]+\.py)`")


def test_every_test_that_is_named_exists() -> None:
    named = {match for document in DOCUMENTS for match in NAMED.findall(document.text)}

    missing = [f"{file}::{name}" for file, name in sorted(named) if name not in names_in(file)]

    assert not missing, "\n".join(missing)


def test_every_file_of_tests_that_is_named_exists() -> None:
    named = {path for document in DOCUMENTS for path in FILE.findall(document.text)}

    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_promise_names_a_test() -> None:
    rows = [line for line in GUARANTEES.text.splitlines() if line.startswith("| ")]
    promises = [row for row in rows if "shown by" not in row]

    assert len(promises) > 40
    assert [row for row in promises if not NAMED.search(row)] == []


def names_in(file: str) -> set[str]:
    path = ROOT / "tests" / file
    tree = ast.parse(path.read_text("utf-8") if path.exists() else "")
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        node.name
        for node in tree.body
        if isinstance(node, functions) and node.name.startswith("test_")
    }
