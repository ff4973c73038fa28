"""What docs/security.md claims is there: code, tests, every requirement and every attack."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.architecture.markdown import ROOT, SECURITY

TO = "\N{EN DASH}"
NUMBER = r"\d+\.\d+\.\d+"
PATH = re.compile(r"`([\w./-]+\.(?:py|js|html|txt|toml|lock))`")
TEST = re.compile(r"`[\w/]+\.py::(test_\w+)`")
ROW = re.compile(rf"^\| ((?:{NUMBER}(?:{TO}{NUMBER})?(?:, )?)+) \|(.+)\|$", re.MULTILINE)
ATTACK = re.compile(r"^\| (A\d\d) \|(.+)\|$", re.MULTILINE)
ELSEWHERE = re.compile(rf"\*\*(?:Operator|Team|Not met)\*\*| {TO} ")

SECTIONS = {
    "1": (2, 10, 12, 3, 3),
    "2": (3, 3, 5, 2),
    "3": (1, 3, 5, 8, 8, 1, 5),
    "4": (5, 5, 2, 4),
    "5": (1, 6, 3, 3),
    "6": (3, 12, 8, 6, 8, 4, 2, 4),
    "7": (3, 4, 2, 5, 3, 2),
    "8": (4, 4, 3, 2),
    "9": (3, 4),
    "10": (2, 3, 5, 16, 5, 2, 3),
    "11": (4, 5, 5, 4, 2, 2, 2),
    "12": (5, 2, 5),
    "13": (4, 6, 4, 7),
    "14": (2, 8, 3),
    "15": (5, 5, 7, 4),
    "16": (1, 5, 4, 3, 4),
    "17": (2, 8, 2),
}
"""How many requirements each section of a chapter has, in ASVS 5.0.0."""

REQUIREMENTS = ROW.findall(SECURITY.text)


def test_every_file_of_the_product_that_is_named_exists() -> None:
    named = set(PATH.findall(SECURITY.text))

    assert len(named) > 50
    assert [path for path in sorted(named) if not is_there(path)] == []


def test_every_requirement_is_answered_once() -> None:
    answered = Counter(number for numbers, _ in REQUIREMENTS for number in spelled_out(numbers))

    assert answered == Counter(
        f"{chapter}.{section}.{number}"
        for chapter, counts in SECTIONS.items()
        for section, count in enumerate(counts, 1)
        for number in range(1, count + 1)
    )


@pytest.mark.parametrize(("numbers", "answer"), REQUIREMENTS)
def test_a_requirement_that_is_met_names_its_code_and_its_test(numbers: str, answer: str) -> None:
    assert ELSEWHERE.search(answer) or (PATH.search(answer) and TEST.search(answer)), numbers


def test_every_attack_names_tests_of_its_number() -> None:
    attacks = dict(ATTACK.findall(SECURITY.text))

    assert [*attacks] == [f"A{number:02}" for number in range(1, 45) if number != 13]
    for number, tried in attacks.items():
        prefix = "test_" if "test_schemathesis.py" in tried else f"test_{number.lower()}_"
        tests = TEST.findall(tried)
        assert tests, number
        assert [name for name in tests if not name.startswith(prefix)] == [], number


def is_there(path: str) -> bool:
    return (ROOT / "src/app" / path).exists() or (ROOT / path).exists()


def spelled_out(numbers: str) -> Iterator[str]:
    """A range of numbers as each of them, and several as all."""
    for item in numbers.split(", "):
        first, _, last = item.partition(TO)
        section, _, number = first.rpartition(".")
        assert not last or last.rpartition(".")[0] == section, item
        for each in range(int(number), int((last or first).rpartition(".")[2]) + 1):
            yield f"{section}.{each}"
