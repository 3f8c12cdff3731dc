"""Which cells are played, and how many draws each is worth: most where a claim is made, few where a draw costs seconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.decisions.alarms import Month
from benchmarks.decisions.months import Shift
from benchmarks.decisions.promotions import ManyCandidates, OneCandidate

# StreamFlow's models have within-class correlations of 0.63 to 0.91 when they are trained on halves of a month, 0.83 to 0.98 when
# the method alone differs, and about -0.1 when the world changed between the two.
CORRELATIONS = (0.0, 0.7, 0.9)
GAINS = (0.0, 0.01, 0.02, 0.05, 0.1)
CLAIMED_ROWS = 1_400
STREAMFLOW_ROWS, STREAMFLOW_FEATURES = 7_000, 14

_EQUAL = {500: 1_000, CLAIMED_ROWS: 1_500, 5_000: 150, 20_000: 40, 50_000: 20}
_BETTER = {500: 100, CLAIMED_ROWS: 150, 5_000: 40, 20_000: 10, 50_000: 5}
_TRIES = {(500, 0.7): 1_500, (CLAIMED_ROWS, 0.7): 1_500, (CLAIMED_ROWS, 0.9): 500, (5_000, 0.7): 400}
# rows, rows of the reference -> draws, those of them that Evidently sees
_QUIET = {
    (50, 7_000): (60, 60),
    (200, 7_000): (60, 60),
    (500, 7_000): (800, 100),
    (600, 600): (800, 100),
    (1_000, 1_000): (800, 100),
    (1_000, 7_000): (800, 100),
    (10_000, 10_000): (400, 20),
    (100_000, 100_000): (60, 4),
}
_SHIFTED = {
    (50, 7_000): (40, 40),
    (500, 7_000): (80, 40),
    (1_000, 7_000): (80, 40),
    (10_000, 10_000): (20, 8),
    (100_000, 100_000): (4, 2),
}
_RETURNING = {600: 400, 1_000: 800, 7_000: 200}  # rows of a month of users that come back -> draws
_OTHER_WIDTHS = {5: 0.5, 100: 0.2}  # share of the draws, for the work that they are


@dataclass(frozen=True, slots=True)
class Plan:
    """`factor` multiplies all draws: 1 takes some 500 s of one core."""

    factor: float = 1.0

    def _draws(self, full: float) -> int:
        return max(2, round(full * self.factor))

    def one_candidate(self) -> Iterator[OneCandidate]:
        """The whole grid, and a better model that comes as the fifth and the twentieth."""
        for correlation in CORRELATIONS:
            for rows, draws in _EQUAL.items():
                claimed = rows == CLAIMED_ROWS and correlation == 0.7
                yield OneCandidate(rows, 0.0, correlation, self._draws(5_000 if claimed else draws))
                for gain in GAINS[1:]:
                    claimed = rows == CLAIMED_ROWS and gain == 0.05
                    yield OneCandidate(rows, gain, correlation, self._draws(1_000 if claimed else _BETTER[rows]))
        for attempt in (5, 20):
            yield OneCandidate(CLAIMED_ROWS, 0.05, 0.7, self._draws(200), attempt)
            yield OneCandidate(CLAIMED_ROWS, 0.05, 0.9, self._draws(200), attempt)

    def many_candidates(self) -> Iterator[ManyCandidates]:
        """Twenty equal ones in a row."""
        for (rows, correlation), draws in _TRIES.items():
            yield ManyCandidates(rows, correlation, self._draws(draws))

    def months(self) -> Iterator[Month]:
        """Quiet ones and shifted ones by rows at StreamFlow's width, then the widths."""
        for shift in Shift:
            for (rows, reference), (draws, seen) in (_SHIFTED if shift is not Shift.NONE else _QUIET).items():
                claimed = (shift, rows) in {(Shift.MODERATE, 1_000), (Shift.SMALL, 10_000), (Shift.RATE, 10_000)}
                ours = (400 if rows == 1_000 else 150) if claimed else draws
                yield Month(rows, reference, STREAMFLOW_FEATURES, shift, self._draws(ours), self._draws(seen))
        for rows, draws in _RETURNING.items():
            yield Month(rows, STREAMFLOW_ROWS, STREAMFLOW_FEATURES, Shift.NONE, self._draws(draws), 0, returning=0.8)
        for width, part in _OTHER_WIDTHS.items():
            for (rows, reference), (draws, seen) in _QUIET.items():
                yield Month(rows, reference, width, Shift.NONE, self._draws(draws * part), self._draws(seen * part))
            for shift in (Shift.SMALL, Shift.MODERATE, Shift.MISSING):
                yield Month(1_000, STREAMFLOW_ROWS, width, shift, self._draws(200 * part), self._draws(60 * part))
