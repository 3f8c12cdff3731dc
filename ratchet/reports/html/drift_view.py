"""The drift between reference and current snapshot as the report shows it: a table of tests, and distributions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ratchet.core.decision import Verdict, number
from ratchet.drift.profile import FeatureProfile, Profile
from ratchet.drift.tests.catalogue import TITLES
from ratchet.drift.verdict import Drift, FeatureDrift
from ratchet.reports.html.distributions import Bars, Histogram, distribution
from ratchet.reports.html.text import counted, shown

_DRAWN = 48  # distributions in one report: its size stays bounded, whatever the project's number of features
_OUTCOMES = {Verdict.PASS: "drifted", Verdict.FAIL: "quiet", Verdict.UNKNOWN: "not judged"}
_HARDLY_USED = "drifted, hardly used"
_HEADLINES = {Verdict.PASS: "Drifted", Verdict.FAIL: "Quiet", Verdict.UNKNOWN: "Too few rows to tell"}


@dataclass(frozen=True, slots=True)
class TestRow:
    """One test: `length` and `bound` are effect and threshold in percent of the table's longest bar."""

    feature: str
    what: str
    effect: str
    threshold: str
    p: str
    missing: str
    rows: str
    length: float
    bound: float
    outcome: str
    drifted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Plot:
    """One feature's distributions with what was found."""

    feature: str
    note: str
    figure: Histogram | Bars | None

    @property
    def is_histogram(self) -> bool:
        """Whether `figure` is a histogram, not bars."""
        return isinstance(self.figure, Histogram)


@dataclass(frozen=True, slots=True)
class DriftView:
    """The section: its headline, the decisive reason, both tables, and the distributions, drifted ones apart."""

    headline: str
    reason: str
    share: str
    rows: str
    tests: tuple[TestRow, ...]
    informative: tuple[TestRow, ...]
    drifted: tuple[Plot, ...]
    quiet: tuple[Plot, ...]
    left_out: int


def drift_view(drift: Drift, reference: Profile | None, current: Profile | None) -> DriftView:
    """Lay out a drift result. Without the profiles there are no distributions and no shares of missing cells."""
    old, new = ({item.name: item for item in side} if side else {} for side in (reference, current))
    names = list(dict.fromkeys(test.feature for test in drift.tests))
    drawable = sorted((name for name in names if name in old and name in new), key=lambda name: name not in drift.drifted)
    drawn = drawable[:_DRAWN]
    plots = {name: _plot(name, drift.tests, old[name], new[name]) for name in drawn}
    return DriftView(
        headline=_HEADLINES[drift.decision.verdict],
        reason=drift.decision.texts[0],
        share=f"{len(drift.drifted)} of {counted(len(names), 'feature')}",
        rows=f"{counted(drift.reference_rows, 'reference row')}, {counted(drift.current_rows, 'current row')}",
        tests=_rows(drift.tests, old, new),
        informative=_rows(drift.informative, {}, {}),
        drifted=tuple(plot for name, plot in plots.items() if name in drift.drifted),
        quiet=tuple(plot for name, plot in plots.items() if name not in drift.drifted),
        left_out=len(drawable) - len(drawn),
    )


def _rows(tests: Iterable[FeatureDrift], old: dict[str, FeatureProfile], new: dict[str, FeatureProfile]) -> tuple[TestRow, ...]:
    items = tuple(tests)
    longest = 1.15 * max((max(item.decisive.effect or 0.0, item.decisive.threshold) for item in items), default=1.0) or 1.0
    return tuple(
        TestRow(
            feature=shown(item.feature),
            what=f"{'missing cells' if item.test == 'missing' else 'values'}, {TITLES[item.decisive.measure]}",
            effect="none" if item.decisive.effect is None else number(item.decisive.effect),
            threshold=number(item.decisive.threshold),
            p="none" if item.corrected_p is None else number(item.corrected_p),
            missing=_missing(old.get(item.feature), new.get(item.feature)),
            rows=f"{item.reference_rows:,} \N{RIGHTWARDS ARROW} {item.current_rows:,}",
            length=round(100 * (item.decisive.effect or 0.0) / longest, 1),
            bound=round(100 * item.decisive.threshold / longest, 1),
            outcome=_OUTCOMES[item.verdict] if item.counts or not item.drifted else _HARDLY_USED,
            drifted=item.drifted,
            reason=shown(item.reason, 200),
        )
        for item in items
    )


def _missing(old: FeatureProfile | None, new: FeatureProfile | None) -> str:
    if old is None or new is None:
        return ""
    if not old.missing and not new.missing:
        return "none"
    return " \N{RIGHTWARDS ARROW} ".join(f"{side.missing / max(side.rows, 1):.1%}" for side in (old, new))


def _plot(name: str, tests: Iterable[FeatureDrift], old: FeatureProfile, new: FeatureProfile) -> Plot:
    found = [
        f"{'missing: ' if item.test == 'missing' else ''}effect {number(effect)}{' (drifted)' if item.drifted else ''}"
        for item in tests
        if item.feature == name and (effect := item.decisive.effect) is not None
    ]
    missing = _missing(old, new)
    if missing != "none":
        found.append(f"missing {missing}")
    return Plot(shown(name), "; ".join(found), distribution(old, new))
