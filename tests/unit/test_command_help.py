"""What `--help` says can be read as it stands."""

from __future__ import annotations

from itertools import pairwise

import pytest
from typer.testing import CliRunner

from app.cli import cli

WIDTH = 80
LONGEST_WORD = 20


@pytest.mark.parametrize("command", [["events", "lag"], ["events", "replay"]], ids=" ".join)
def test_a_line_ends_where_it_is_full_and_not_where_the_source_ends_it(command: list[str]) -> None:
    shown = CliRunner().invoke(cli, [*command, "--help"], env={"COLUMNS": str(WIDTH)}).output

    prose, _, _ = shown.partition("╭")
    lines = [line.strip() for line in prose.splitlines()]
    broken = [line for line, following in pairwise(lines) if line and following]
    assert len(broken) > 2
    assert [line for line in broken if len(line) < WIDTH - LONGEST_WORD] == []


def test_the_product_says_what_it_is_called() -> None:
    assert "Bulkhead" in CliRunner().invoke(cli, ["--help"]).output
