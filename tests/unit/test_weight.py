"""A feature's drift weighs what the champion makes of the feature."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from ratchet.core.decision import Verdict
from ratchet.core.events import DriftFound
from ratchet.core.policy import DriftPolicy
from ratchet.core.schema import Columns, DType, Feature
from ratchet.drift.profile import Profile, profile
from ratchet.drift.reference import PREDICTION, Reference
from ratchet.drift.verdict import Drift, FeatureDrift, drift, feature_drift
from ratchet.estimators.influence import influence
from ratchet.reports.html.drift_view import drift_view
from ratchet.steps.parts.snapshot_drift import drift_of, event_of
from tests.support.churn import churn, scorer
from tests.support.loop import PROJECT, first_champion
from tests.support.streamflow import SNAPSHOT_DIRS, feature_columns, streamflow

POLICY = DriftPolicy()
FEATURES = [Feature("used", DType.FLOAT), Feature("idle", DType.FLOAT)]
INFLUENCE = {"used": 0.9, "idle": 0.003}


def columns(seed: int, rows: int = 3_000, *, used: float = 0.0, idle: float = 0.0) -> Columns:
    rng = np.random.default_rng(seed)
    return {"used": rng.normal(used, 1, rows), "idle": rng.normal(idle, 1, rows)}


def judged(policy: DriftPolicy = POLICY, *, answers: float = 0.0, used: float = 0.0, idle: float = 0.0) -> Drift:
    before, after = profile(FEATURES, columns(1)), profile(FEATURES, columns(2, used=used, idle=idle))
    return drift(before, after, policy, predictions(answers), INFLUENCE)


def predictions(shift: float) -> tuple[FeatureDrift, ...]:
    def of(seed: int, by: float) -> Profile:
        return profile(PREDICTION, {"prediction": np.random.default_rng(seed).normal(0.5 + by, 0.1, 2_000)})

    return feature_drift(of(3, 0.0), of(4, shift), POLICY)


def test_half_a_deviation_of_what_the_champion_hardly_uses_is_reported_and_asks_for_nothing() -> None:
    found = judged(idle=0.5)
    assert found.decision.verdict is Verdict.FAIL
    assert (found.drifted, found.set_aside, found.drift_share) == (["idle"], ["idle"], 0.0)
    assert found.decision.texts[0] == "drift_share 0.000 < 0.020, without idle that the champion hardly uses"
    (test,) = [test for test in found.tests if test.feature == "idle"]
    assert test.reason.endswith("; drifted, but the champion hardly uses it: 0.3 % of its score's variance < 1 %")


def test_what_the_champion_uses_counts() -> None:
    found = judged(used=0.5)
    assert found.decision.passed
    assert found.decision.texts[0] == "drift_share 0.500 >= 0.020"
    both = judged(used=0.5, idle=0.5)
    assert (both.drift_share, both.drifted, both.set_aside) == (0.5, ["idle", "used"], ["idle"])
    assert [text.split()[0] for text in both.decision.decisive] == ["drift_share", "used"]


def test_every_drift_counts_where_the_champion_s_answers_drifted_too() -> None:
    found = judged(idle=0.5, answers=0.05)
    assert found.decision.passed
    assert found.set_aside == []


def test_drifted_answers_alone_ask_for_nothing() -> None:
    assert judged(answers=0.05).decision.verdict is Verdict.FAIL


def test_the_policy_can_let_every_feature_count() -> None:
    assert judged(DriftPolicy(min_influence=0.0), idle=0.5).decision.passed


def test_a_version_whose_influences_are_not_known_counts_every_feature() -> None:
    before, after = profile(FEATURES, columns(1)), profile(FEATURES, columns(2, idle=0.5))
    assert drift(before, after, POLICY).decision.passed


def test_a_feature_that_could_not_count_leaves_nothing_open() -> None:
    some = columns(2)
    some["idle"][400:] = np.nan
    before_some = columns(1)
    before_some["idle"][400:] = np.nan
    before = profile(FEATURES, before_some)
    assert drift(before, profile(FEATURES, some), POLICY).decision.verdict is Verdict.UNKNOWN
    assert drift(before, profile(FEATURES, some), POLICY, (), INFLUENCE).decision.verdict is Verdict.FAIL


@pytest.mark.parametrize(("used", "idle"), [(0.0, 0.5), (0.5, 0.0), (0.0, 0.0)])
def test_a_record_gives_the_drift_back(used: float, idle: float) -> None:
    found = judged(used=used, idle=idle)
    body = json.loads(json.dumps(event_of(found).to_body()))
    back = drift_of(DriftFound.read(body))
    assert back.tests == found.tests
    assert (back.drifted, back.set_aside, back.decision.texts) == (found.drifted, found.set_aside, found.decision.texts)


def test_a_record_of_an_earlier_release_counts_all_its_drift() -> None:
    body = event_of(judged(used=0.5)).to_body()
    for test in body["tests"]:
        for name in ("further", "influence", "counts"):
            test.pop(name, None)
    (used, *_) = DriftFound.read(body).tests
    assert (used.further, used.influence, used.counts) == ((), None, True)


def test_a_reference_keeps_influences_and_one_of_an_earlier_release_has_none() -> None:
    some = profile(FEATURES, columns(1))
    reference = Reference(some, profile(PREDICTION, {"prediction": np.ones(3)}), {"0": 1}, INFLUENCE)
    text = reference.to_json()
    assert Reference.from_json(text).influence == INFLUENCE
    content = json.loads(text)
    del content["influence"]
    assert Reference.from_json(json.dumps(content)).influence == {}


@pytest.mark.parametrize("kind", ["linear", "trees"])
def test_influence_is_of_what_the_score_depends_on_and_the_same_for_a_seed(kind: str) -> None:
    rows, _ = churn(1_500, seed=5)
    found = influence(scorer(kind), rows, seed=1)
    assert found == influence(scorer(kind), rows, seed=1)
    assert found.keys() == {item.name for item in scorer(kind).features}
    assert all(0 <= share <= 1 for share in found.values())
    assert found["never"] == 0.0
    assert max(found.values()) > 0.1


class Sum:
    """A score that is a weighted sum: each feature's share is its weight squared over all of them."""

    features = tuple(FEATURES)

    def batch(self, rows: Columns) -> np.ndarray:
        return np.asarray(3 * rows["used"] + rows["idle"], dtype=np.float64)


def test_influence_is_a_share_of_the_variance() -> None:
    found = influence(Sum(), columns(1, 20_000), seed=1, rows=20_000)  # type: ignore[arg-type]
    assert found == pytest.approx({"used": 0.9, "idle": 0.1}, abs=0.01)


@pytest.mark.parametrize("rows", [0, 1])
def test_no_rows_have_no_influence(rows: int) -> None:
    assert influence(Sum(), columns(1, rows), seed=1) == {"used": 0.0, "idle": 0.0}  # type: ignore[arg-type]


def test_a_column_that_the_champion_has_no_use_for_leaves_it_alone_by_default() -> None:
    # `b` moves by half a standard deviation, and the label knows nothing of it
    weighing = PROJECT.model_copy(
        update={"policy": PROJECT.policy.model_copy(update={"drift": DriftPolicy(min_influence=POLICY.min_influence)})}
    )
    loop = first_champion()
    loop.project = weighing
    assert loop.run(loop.arrive(2, shift=0.5)) == "NO_ACTION"
    assert "NO_ACTION drift_share=0.000 < 0.020, without b that the champion hardly uses -> the champion stays" in loop.said
    assert any(line.startswith("[DRIFT] b wasserstein 0.") and "the champion hardly uses it" in line for line in loop.said)


def test_the_report_says_which_effect_decided_and_what_is_hardly_used() -> None:
    rows = {row.feature: row for row in drift_view(judged(idle=0.5), None, None).tests}
    assert (rows["idle"].outcome, rows["used"].outcome) == ("drifted, hardly used", "quiet")
    flag = [Feature("used", DType.BOOL)]
    before, after = (profile(flag, {"used": np.arange(5_000) % 100 < share}) for share in (2, 6))
    (row,) = drift_view(drift(before, after, POLICY), None, None).tests
    assert (row.what, row.effect, row.threshold) == ("values, Ratio of a value's share", "2.333", "1.750")


def test_streamflow_s_real_months_ask_for_retraining_whatever_its_champion_uses() -> None:
    project = streamflow()
    assert project.policy.drift.min_influence == 0
    for folders in list(pairwise(SNAPSHOT_DIRS))[:1]:  # none where this machine has no data
        before, after = (profile(project.inputs, feature_columns(folder)) for folder in folders)
        found = drift(before, after, project.policy.drift, (), dict.fromkeys((item.name for item in project.inputs), 0.0))
        assert found.decision.texts[0] == "drift_share 0.071 >= 0.020"
        assert (found.drifted, found.set_aside) == (["rebuffer_events_7d"], [])
