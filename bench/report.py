"""A run's figures as tables: on the terminal, and as the result part of docs/performance.md."""

import datetime
import os
import platform
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from bench.bare import CORES
from bench.budgets import Budget
from bench.figures import Figures

BEGIN = "<!-- results: written by `make bench` -->"
END = "<!-- end of results -->"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title; the first column is text, the others are figures."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def show(self, console: Console) -> None:
        table = RichTable(title=self.title, title_justify="left", title_style="bold")
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="right" if number else "left")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)

    def markdown(self) -> str:
        lines = [f"### {self.title}", "", "| " + " | ".join(self.columns) + " |"]
        lines.append("|---|" + "---:|" * (len(self.columns) - 1))
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join(lines)


def machine(postgres_version: str, fsync: str) -> str:
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"{model[1] if model else platform.machine()}, {CORES} cores, {memory:.0f} GiB, "
        f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}, "
        f"PostgreSQL {postgres_version.split()[0]} (fsync {fsync}), "
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}. "
        "Clients, servers and PostgreSQL share the cores."
    )


COLUMNS = {
    "req/s": "per_second",
    "p50 ms": "p50_ms",
    "p99 ms": "p99_ms",
    "CPU ms": "server_ms",
    "PostgreSQL CPU ms": "postgres_ms",
}


def costs(figures: Figures) -> Iterator[Table]:
    """One table per scenario, the servers beneath each other; CPU only where it was taken."""
    scenarios: dict[str, list[str]] = {}
    for scenario, server in figures.samples:
        scenarios.setdefault(scenario, []).append(server)
    for scenario, servers in scenarios.items():
        taken = {
            title: name
            for title, name in COLUMNS.items()
            if any(figures.of(scenario, servers[0], name).figures)
        }
        rows = [
            (
                server,
                *(figures.of(scenario, server, name).text() for name in taken.values()),
                str(sum(figures.wrong(scenario, server).values())),
            )
            for server in servers
        ]
        yield Table(scenario, ("server", *taken, "wrong"), rows)


def singles(figures: Figures) -> Table:
    rows = [(name, figures.named(name).text()) for name in figures.single]
    return Table("beside them, in the same run", ("figure", "result"), rows)


def budgets(judged: Iterable[Budget]) -> Table:
    rows = [
        (
            f"{budget.number} {budget.measure}",
            budget.limit(budget.must),
            budget.limit(budget.aim),
            budget.result.text(budget.unit),
            budget.verdict,
        )
        for budget in judged
    ]
    return Table("budgets", ("measure", "must", "aim", "result", ""), rows)


def write(page: Path, where: str, tables: Iterable[Table]) -> None:
    """Replace what stands between the page's two markers."""
    text = page.read_text()
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page} has no place for results between '{BEGIN}' and '{END}'")
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    body = "\n\n".join([where, *(table.markdown() for table in tables)])
    page.write_text(f"{head}{BEGIN}\n\n{body}\n\n{END}{tail}")
