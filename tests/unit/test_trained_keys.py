"""What proves that a version never saw a held-out row is who it was trained on, not what its tags say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ratchet.core.decision import Reason, Verdict
from ratchet.core.errors import ArtifactError
from ratchet.core.schema import GoldenRow
from ratchet.core.trained_keys import TrainedKeys
from ratchet.drift.reference import trained_keys
from ratchet.estimators import bundle as bundles
from ratchet.steps import evaluate, train
from ratchet.steps.parts.holdout import champion_scores, judged_holdout, never_saw
from tests.support.loop import Loop, first_champion


def test_keys_that_were_trained_on_are_counted() -> None:
    trained = TrainedKeys.of([f"e{number}" for number in range(500)] * 2)
    assert trained.count == 500
    assert trained.seen([f"e{number}" for number in range(400, 700)] * 2) == (100, 300)
    assert trained.seen(["f1"]) == (0, 1)


def test_of_many_keys_a_sample_tells_exactly_of_some() -> None:
    trained = TrainedKeys.of((f"e{number}" for number in range(20_000)), most=1000)
    assert (trained.count, len(trained.hashes)) == (20_000, 1000)
    seen, told = trained.seen(f"e{number}" for number in range(20_000))
    assert (seen, told) == (1000, 1000)
    seen, told = trained.seen(f"e{number}" for number in range(10_000, 30_000))
    assert 400 < seen < 600
    assert 900 < told < 1100
    assert trained.seen(f"f{number}" for number in range(20_000))[0] == 0


def test_what_was_written_down_is_read_back() -> None:
    trained = TrainedKeys.of(["a", "b"])
    found = trained_keys(json.dumps({"trained": trained.document()}))
    assert found is not None
    assert (found.count, found.bound, found.hashes.tolist()) == (2, trained.bound, trained.hashes.tolist())
    assert trained_keys("{}") is None
    with pytest.raises(ArtifactError, match="cannot be read"):
        trained_keys('{"trained": {"count": 1}}')


@pytest.fixture
def leaked(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> Loop:
    """A champion whose tags say that it left the holdout out, and whose training rows were everybody's."""
    with monkeypatch.context() as patch:
        patch.setattr(train, "held_by", lambda _project, keys: np.zeros(len(keys), dtype=np.bool_))
        patch.setattr(evaluate, "never_saw", lambda *_: Reason(Verdict.PASS, "a release that went by the tags"))
        assert loop.run(loop.arrive(1)) == "done"
    return loop


@pytest.fixture
def loop() -> Loop:
    return Loop()


def test_a_champion_that_was_trained_on_held_out_rows_is_not_compared_with_whatever_its_tags_say(leaked: Loop) -> None:
    assert leaked.run(leaked.arrive(2, turn=1, shift=1)) == "UNKNOWN"
    gate = leaked.at.journal.history().gates[-1].event
    held = len(judged_holdout(leaked.project, leaked.store, leaked.store.snapshots()[-1]).entities)
    assert any(f"the champion was trained on {held} of {held} held-out entities" in reason for reason in gate.reasons)
    assert any("approve VERSION --without-comparison" in reason for reason in gate.reasons)


def test_a_candidate_that_was_trained_on_held_out_rows_is_not_judged(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "held_by", lambda _project, keys: np.zeros(len(keys), dtype=np.bool_))
    assert loop.run(loop.arrive(1)) == "UNKNOWN"


def test_a_version_that_saw_held_out_rows_gets_no_figure_on_them(leaked: Loop) -> None:
    snapshot = leaked.arrive(2)
    assert leaked.measure(snapshot) == []


def test_a_version_of_an_earlier_release_is_held_to_the_spelling_of_its_keys() -> None:
    loop = first_champion()
    snapshot = loop.arrive(2)
    champion = loop.at.registry.versions()[-1]
    held = judged_holdout(loop.project, loop.store, snapshot)
    bundle = bundles.read(loop.at.registry.bundle(champion))
    assert champion_scores(loop.project, champion, bundle, held)[1] is not None
    golden = tuple(GoldenRow(f"{number}.0", row.features, row.score) for number, row in enumerate(bundle.golden))
    older = bundles.Bundle(bundle.model, bundle.scorer, golden, "{}", bundle.typical)
    assert "the key '0' was kept as '0.0'" in never_saw(loop.project, "champion", champion, older, held).text
    same = bundles.Bundle(bundle.model, bundle.scorer, bundle.golden, "{}", bundle.typical)
    assert never_saw(loop.project, "champion", champion, same, held).text.startswith("the champion never saw the holdout")
