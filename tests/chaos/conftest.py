"""What the campaign counted, printed at its end; workers send their counts with their reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """One line a trouble."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    counted = [text for report in reports for name, text in getattr(report, "user_properties", []) if name == "campaign"]
    if counted:
        terminalreporter.section("campaign")
        for text in counted:
            terminalreporter.write_line(text)
