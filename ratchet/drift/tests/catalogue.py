"""The tests that every feature is offered, in the order in which equal findings are reported.

A new test is a file and a line here.
"""

from __future__ import annotations

from ratchet.drift.tests import category, missing, number
from ratchet.drift.tests.port import DriftTest

TESTS: tuple[DriftTest, ...] = (
    number.TEST,
    category.TEST,
    missing.TEST,
)

# Of measures, as the report names them.
TITLES = {name: further.title for test in TESTS for name, further in test.further.items()} | {
    test.measure: test.title for test in TESTS
}
