"""Whether a snapshot differs from what the champion was trained on, from the two profiles alone.

Drift of a feature that the champion hardly uses is reported and asks for nothing: its share of the variance of the champion's
score is below `policy.drift.min_influence`. That share is of the months that the champion was trained on, and a column that was
nearly constant then may move out of all proportion. Where the champion's answers have drifted too, every drifted feature
counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ratchet.core.decision import Decision, Reason, Verdict, check
from ratchet.core.policy import DriftPolicy
from ratchet.drift.feature_drift import FeatureDrift, feature_drift, label_drift
from ratchet.drift.profile import Profile
from ratchet.drift.reference import PREDICTION
from ratchet.drift.weight import weighed

__all__ = ["Drift", "FeatureDrift", "drift", "feature_drift", "label_drift"]


@dataclass(frozen=True, slots=True)
class Drift:
    """A snapshot's drift. The decision's PASS means "drifted: retrain", FAIL "quiet", UNKNOWN "too few rows to tell".

    `tests` are the features' tests, largest effect over threshold first. `informative` are tests that are reported and do not count
    (label and prediction drift).
    """

    decision: Decision
    drift_share: float
    tests: tuple[FeatureDrift, ...]
    reference_rows: int
    current_rows: int
    informative: tuple[FeatureDrift, ...] = ()

    @property
    def drifted(self) -> list[str]:
        """The names of the features that drifted, largest effect first."""
        return list(dict.fromkeys(test.feature for test in self.tests if test.drifted))

    @property
    def set_aside(self) -> list[str]:
        """Those of them that do not count, because the champion hardly uses them."""
        return list(dict.fromkeys(test.feature for test in self.tests if test.drifted and not test.counts))

    def to_dict(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "verdict": self.decision.verdict.value,
            "reasons": self.decision.texts,
            "drift_share": self.drift_share,
            "drifted": self.drifted,
            "reference_rows": self.reference_rows,
            "current_rows": self.current_rows,
            "tests": [test.to_dict() for test in self.tests],
            "informative": [test.to_dict() for test in self.informative],
        }


def drift(
    reference: Profile,
    current: Profile,
    policy: DriftPolicy,
    informative: Sequence[FeatureDrift] = (),
    influence: Mapping[str, float] | None = None,
) -> Drift:
    """Judge a snapshot against the reference profile.

    Drift that is proven stands, however little is known of other features. Without it, the verdict is UNKNOWN while features that
    could not be judged might lift the share over its bound, and FAIL when even they could not.

    Args:
        reference: profile of the champion's training snapshot.
        current: profile of the new snapshot, of the same features.
        policy: thresholds.
        informative: tests to report along, which do not count themselves (`label_drift`, or `feature_drift` of predictions).
        influence: each feature's share of the variance of the champion's score; a feature without one counts.

    Raises:
        DataError: the profiles are of different features.
    """
    answers_drifted = any(test.feature == PREDICTION[0].name and test.drifted for test in informative)
    tests = tuple(
        weighed(test, (influence or {}).get(test.feature), policy, answers_drifted=answers_drifted)
        for test in feature_drift(reference, current, policy)
    )
    count = max(1, len(reference.features))
    drifted = {test.feature for test in tests if test.drifted and test.counts}
    unmeasured = {test.feature for test in tests if not test.enough and test.counts} - drifted
    share = len(drifted) / count
    asked = check("drift_share", share, ">=", policy.drift_share)
    if unmeasured and (not drifted or asked.verdict is Verdict.FAIL) and len(drifted | unmeasured) / count >= policy.drift_share:
        asked = Reason(Verdict.UNKNOWN, f"{asked.text}, with {len(unmeasured)} of {count} features not judged")
    reasons = [Reason(test.verdict if test.counts else Verdict.FAIL, test.reason) for test in tests]
    found = Drift(Decision(asked.verdict, (asked, *reasons)), share, tests, reference.rows, current.rows, tuple(informative))
    if not found.set_aside:
        return found
    hardly = f"{asked.text}, without {', '.join(found.set_aside)} that the champion hardly uses"
    return replace(found, decision=Decision(asked.verdict, (Reason(asked.verdict, hardly), *reasons)))
