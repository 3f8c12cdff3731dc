"""The site of a module, and what the campaign counted, printed at its end; workers send their counts with their reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.chaos.campaign import Counts, Site

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One a module: what one test does to it the next has to live with."""
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.stop()


@pytest.fixture
def counts(record_property: Callable[[str, object], None]) -> Counts:
    """Takes the line that is printed at the end."""
    return lambda text: record_property("campaign", text)


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """One line a trouble."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    counted = [text for report in reports for name, text in getattr(report, "user_properties", []) if name == "campaign"]
    if counted:
        terminalreporter.section("campaign")
        for text in counted:
            terminalreporter.write_line(text)
