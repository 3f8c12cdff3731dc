"""Whether a feature differs between two profiles: an effect size and a p-value a test.

Each feature has a test of its values and, when cells are missing on either side, one of its missingness (files of drift/tests):

| test | effect | p-value |
|---|---|---|
| values of int, float | Wasserstein distance over the reference's standard deviation, plain and winsorised | Kolmogorov-Smirnov |
| of few values | those and the ratio of a value's shares | Kolmogorov-Smirnov or chi-squared |
| values of bool | Jensen-Shannon distance, ratio of a value's shares | chi-squared |
| values of category | those and the share of new categories | chi-squared or the test of new categories |
| missingness | Jensen-Shannon distance | chi-squared |

A test shows drift when one of its effects reaches its threshold (it matters), its p-value, Holm-corrected over all tests of the
snapshot, is below alpha (it is no accident) and both samples have `min_rows` (it was measured). The first effect of each is
Evidently's for references above 1,000 rows; Evidently asks for no more than the effect, and alarms on 40 % of quiet columns at
50 current rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ratchet.core.decision import Verdict, check
from ratchet.core.errors import DataError
from ratchet.core.policy import DriftPolicy
from ratchet.core.severity import Figure, decisive
from ratchet.drift.holm import holm
from ratchet.drift.profile import FeatureProfile, Profile
from ratchet.drift.tests import category
from ratchet.drift.tests.catalogue import TESTS
from ratchet.drift.tests.port import Aspect, Comparison, DriftTest

# With fewer values than this share of rows on both sides, a feature is measured by its missingness: its few values are no reason to
# wait for more rows for ever.
_SPARSE = 0.1


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """One test of one feature, as it came out.

    `reference_rows` and `current_rows` are the rows that the test compares (with a value, for a value test). `effect` and `p` are
    None when a side has none; `corrected_p` is None when a side has fewer than `min_rows` (the test is then outside Holm's family).
    `verdict` is PASS when it drifted, FAIL when it is quiet, UNKNOWN when too few rows leave it open. `further` are effects of the
    same difference by other measures, any of which may matter. `influence` is the feature's share of the variance of the champion's
    score, None where it is not known, and `counts` whether the feature's drift is one that asks for something.
    """

    feature: str
    test: Aspect
    measure: str
    effect: float | None
    threshold: float
    p: float | None
    corrected_p: float | None
    reference_rows: int
    current_rows: int
    verdict: Verdict
    reason: str
    further: tuple[Figure, ...] = ()
    influence: float | None = None
    counts: bool = True

    @property
    def decisive(self) -> Figure:
        """The effect that it is judged by."""
        return decisive(Figure(self.measure, self.effect, self.threshold), self.further)

    @property
    def drifted(self) -> bool:
        """Whether the effect is large enough and beyond doubt."""
        return self.verdict is Verdict.PASS

    @property
    def enough(self) -> bool:
        """Whether both sides had the rows that it takes to tell."""
        return self.verdict is not Verdict.UNKNOWN

    @property
    def severity(self) -> float:
        """Effect over threshold, of the decisive one; -1 without an effect."""
        found = self.decisive.severity
        return -1.0 if found is None else found

    def to_dict(self) -> dict[str, Any]:
        """JSON types only."""
        return asdict(self) | {"verdict": self.verdict.value, "drifted": self.drifted, "enough": self.enough}


@dataclass(frozen=True, slots=True)
class _Draft:
    """What a test found, before the correction; `sparse` when hardly a row of either side has a value."""

    feature: str
    test: DriftTest
    found: Comparison
    sparse: bool = False

    @property
    def rows(self) -> tuple[int, int]:
        return self.found.reference_rows, self.found.current_rows


def feature_drift(reference: Profile, current: Profile, policy: DriftPolicy) -> tuple[FeatureDrift, ...]:
    """All tests of two profiles, corrected together, largest effect over threshold first.

    Raises DataError when the profiles are of different features.
    """
    ours = {item.name: item.dtype for item in reference}
    theirs = {item.name: item.dtype for item in current}
    if ours != theirs:
        different = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
        message = (
            f"the champion's reference profile and the snapshot differ in {', '.join(different)}: "
            "undo the change of features in ratchet.yaml, or train a version with it"
        )
        raise DataError(message)
    return _judge([draft for item in reference for draft in _drafts(item, current[item.name])], policy)


def label_drift(reference: Mapping[str, int], current: Mapping[str, int], policy: DriftPolicy) -> FeatureDrift:
    """Compare how often each label is there, given as rows by label: a test named `label` with its own alpha."""
    labels = sorted({*reference, *current})
    counts = np.array([[side.get(label, 0) for label in labels] for side in (reference, current)], dtype=np.int64)
    return _judge([_Draft("label", category.TEST, category.compare_values(counts[0], counts[1]))], policy)[0]


def _drafts(reference: FeatureProfile, current: FeatureProfile) -> Iterator[_Draft]:
    sparse = all(item.present < _SPARSE * item.rows for item in (reference, current))
    for test in TESTS:
        found = test.compare(reference, current)
        if found is not None:
            yield _Draft(reference.name, test, found, sparse and test.aspect == "value")


def _judge(drafts: Sequence[_Draft], policy: DriftPolicy) -> tuple[FeatureDrift, ...]:
    family = {
        i: draft.found.p for i, draft in enumerate(drafts) if draft.found.p is not None and min(draft.rows) >= policy.min_rows
    }
    corrected = dict(zip(family, holm(list(family.values())), strict=True))
    rows_enough = {draft.feature for i in family if (draft := drafts[i]).test.aspect == "missing"}
    tests = [
        _outcome(draft, corrected.get(i), policy, by_missingness=draft.sparse and draft.feature in rows_enough)
        for i, draft in enumerate(drafts)
    ]
    return tuple(sorted(tests, key=lambda test: (-test.severity, test.feature)))


def _outcome(draft: _Draft, corrected: float | None, policy: DriftPolicy, *, by_missingness: bool) -> FeatureDrift:
    """Judge one test; `by_missingness`: it has too few values, and the feature's missingness test stands for it."""
    test, effect = draft.test, draft.found.effect
    threshold, what_of = test.threshold(policy), f"{draft.feature} {'missing ' if test.aspect == 'missing' else ''}"
    further = tuple(Figure(name, found, test.further[name].threshold(policy)) for name, found in draft.found.further.items())
    if corrected is None or effect is None:
        rows, side = min(zip(draft.rows, ("reference", "current"), strict=True))
        verdict = Verdict.FAIL if by_missingness else Verdict.UNKNOWN
        note = "; nearly empty on both sides, its missingness is compared" if by_missingness else ""
        what = "rows with a value" if test.aspect == "value" else "rows"
        reason = f"{what_of}{test.measure} not judged: {rows} {side} {what} < {policy.min_rows}{note}"
    else:
        judged = decisive(Figure(test.measure, effect, threshold), further)
        large = check(f"{what_of}{judged.measure}", judged.effect or 0.0, ">=", judged.threshold)
        sure = check("p", corrected, "<", policy.alpha)
        verdict = Verdict.PASS if large.verdict is sure.verdict is Verdict.PASS else Verdict.FAIL
        reason = f"{large.text}, {sure.text}"
    found = draft.found.p, corrected, *draft.rows
    return FeatureDrift(draft.feature, test.aspect, test.measure, effect, threshold, *found, verdict, reason, further)
