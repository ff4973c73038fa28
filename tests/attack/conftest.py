"""Real processes to attack, shared by the tests of a worker, and judged after each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from tests.attack.target import Target
from tests.attack.targets import Targets

Report = Callable[[str], None]
_MEASURED = "measured"


@pytest.fixture(scope="session")
async def targets(
    another_database: Callable[[], Awaitable[str]], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Targets]:
    targets = Targets(another_database, lambda: tmp_path_factory.mktemp("target"))
    await targets.open()
    yield targets
    await targets.close()


@pytest.fixture(autouse=True)
def everywhere(targets: Targets) -> Iterator[None]:
    """No answer of 500 and above, no secret in a log, one recipient for each mail."""
    yield
    targets.judge()


@pytest.fixture
async def target(targets: Targets) -> Target:
    """The usual one: in development, so that mail goes without TLS."""
    return await targets.shared()


@pytest.fixture
async def verifying(targets: Targets) -> Target:
    """One that lets nobody in whose address is not verified, as in production; and not for long."""
    return await targets.shared(
        AUTH_EMAIL_VERIFICATION="required",
        AUTH_ACCESS_LIFETIME="300",
        AUTH_IDLE_LIFETIME="400",
        AUTH_ABSOLUTE_LIFETIME="1000",
    )


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """`report("…")`: a line for whoever runs the suite at full size."""

    def note(line: str) -> None:
        request.node.user_properties.append((_MEASURED, f"{request.node.name}: {line}"))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = [
        line
        for reports in terminalreporter.stats.values()
        for each in reports
        if isinstance(each, pytest.TestReport) and each.when == "teardown"
        for name, line in each.user_properties
        if name == _MEASURED
    ]
    if lines:
        terminalreporter.section("measured")
        terminalreporter.write("".join(f"{line}\n" for line in lines))
