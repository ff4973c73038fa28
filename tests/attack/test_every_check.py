"""Every check has its test, or a reason why it has none."""

from __future__ import annotations

import re
from pathlib import Path

NUMBERS = {f"A{number:02}" for number in range(1, 45)} - {"A13"}
ELSEWHERE = {"A40": "e2e/socket/test_schemathesis.py"}
"""What is tested with everything else of its kind."""

TESTS = Path(__file__).parents[1]
SECURITY = TESTS.parent / "docs" / "security.md"
_TEST = re.compile(r"^(?:async )?def test_(a\d\d)_", re.MULTILINE)
_NOT_MET = re.compile(r"^\| (A\d\d) \|", re.MULTILINE)


def made() -> set[str]:
    sources = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_a*.py"))
    return {number.upper() for number in _TEST.findall(sources)}


def test_every_check_is_made_or_is_said_not_to_be_met() -> None:
    told = SECURITY.read_text("utf-8").partition("## Checks that are not met")[2]
    not_met = {*_NOT_MET.findall(told)}

    assert made() | ELSEWHERE.keys() | not_met == NUMBERS


def test_what_is_made_elsewhere_is_there() -> None:
    assert [file for file in ELSEWHERE.values() if not (TESTS / file).exists()] == []
