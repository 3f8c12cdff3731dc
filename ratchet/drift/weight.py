"""What a feature's drift weighs: as much as the champion makes of the feature."""

from __future__ import annotations

from dataclasses import replace

from ratchet.core.policy import DriftPolicy
from ratchet.drift.feature_drift import FeatureDrift


def weighed(test: FeatureDrift, influence: float | None, policy: DriftPolicy, *, answers_drifted: bool) -> FeatureDrift:
    """A test with the feature's influence, and with `counts` False where that is too small to ask for anything.

    Args:
        test: as it came out.
        influence: the feature's share (0 to 1) of the variance of the champion's score; None where it is not known: the test
            counts.
        policy: with the least influence that counts.
        answers_drifted: whether the champion's answers have drifted, in which case every drift counts.
    """
    if influence is None:
        return test
    counts = influence >= policy.min_influence or answers_drifted
    reason = test.reason
    if test.drifted and not counts:
        share, least = (f"{100 * part:.2g} %" for part in (influence, policy.min_influence))
        reason += f"; drifted, but the champion hardly uses it: {share} of its score's variance < {least}"
    return replace(test, influence=influence, counts=counts, reason=reason)
