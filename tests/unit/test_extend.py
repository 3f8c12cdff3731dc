"""The page "Extend Ratchet" is right: what it says to write works."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cluster.images import ROOT
from ratchet.core.errors import DataError, PromotionFailed
from ratchet.core.estimate import Interval
from ratchet.core.events import Cause, Entry, Moved, MoveState, Pruned
from ratchet.core.gate import judge
from ratchet.core.policy import DriftPolicy, GatePolicy
from ratchet.core.schema import DType, Feature, column
from ratchet.drift.profile import profile
from ratchet.drift.verdict import drift
from ratchet.estimators import catalogue, search
from ratchet.promotion.protocol import carry_out
from ratchet.settings import Settings
from ratchet.sources.folder import TableSource
from ratchet.tasks.binary.task import BINARY
from ratchet.wiring import Wiring
from tests.support.churn import FEATURES, churn
from tests.support.effects import two_versions
from tests.support.python_blocks import Written, python_blocks
from tests.support.shop import SHOP, customers, put, tables
from tests.unit.test_notify import listener

PAGE = ROOT / "docs" / "how-to" / "extend.md"
BLOCKS = python_blocks(PAGE)
NOW = datetime(2024, 3, 1, tzinfo=UTC)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    return Written(BLOCKS, monkeypatch)


def test_every_block_of_the_page_is_tried_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [title for title in BLOCKS if f'"{title}"' not in text] == []
    assert PAGE.read_text(encoding="utf-8").count("```python") == len(BLOCKS)


def test_a_drift_test_stands_beside_the_others(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    written.module("ratchet/drift/tests/stability.py")
    tests = written.changed("ratchet/drift/tests/catalogue.py")["TESTS"]
    monkeypatch.setattr("ratchet.drift.feature_drift.TESTS", tests)
    feature, random = Feature("fee", DType.FLOAT), np.random.default_rng(1)
    before, quiet, moved = (
        profile([feature], {"fee": column(feature, random.normal(shift, 1, 3000))}) for shift in (0.0, 0.0, 1.0)
    )
    found = {test.measure: test for test in drift(before, moved, DriftPolicy()).tests}
    assert found.keys() == {"wasserstein", "stability"}
    assert found["stability"].drifted
    assert found["stability"].reason.startswith("fee stability 0.943 >= 0.250, p ")
    found = {test.measure: test for test in drift(before, quiet, DriftPolicy()).tests}
    assert not found["stability"].drifted
    assert found["stability"].effect == pytest.approx(0, abs=0.02)


def test_an_estimator_is_trained_and_its_scorer_repeats_it(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    written.module("ratchet/estimators/plain/discriminant_analysis.py")
    names = written.changed("ratchet/estimators/catalogue.py")["ESTIMATORS"]
    assert set(catalogue.ESTIMATORS) < set(names)
    for module in (catalogue, search):
        monkeypatch.setattr(module, "ESTIMATORS", names)
    grid = {"discriminant_analysis": {"shrinkage": [0.0, 0.1]}, "logistic_regression": None}
    columns, labels = churn(1500, seed=1)
    result = search.train(FEATURES, columns, labels, objective=BINARY.objective, grid=grid, folds=3, seed=7)
    assert (result.model, len(result.tries)) == ("discriminant_analysis", 2)
    made = catalogue.estimator(result.model).scorer(result.pipeline, FEATURES, columns)  # refuses what it would not repeat
    unseen, answers = churn(500, seed=2)
    assert BINARY.estimate(answers, made.batch(unseen), 0.95).low > 0.7


def test_a_task_decides_by_its_own_metric(written: Written) -> None:
    written.module("ratchet/tasks/truthful/task.py")
    tasks = written.changed("ratchet/tasks/catalogue.py")["TASKS"]
    assert tasks.keys() == {"binary", "truthful"}
    task, policy, random = tasks["truthful"], GatePolicy(), np.random.default_rng(1)
    truth = random.uniform(0.05, 0.95, 3000)
    labels = (random.uniform(size=3000) < truth).astype(np.int8)
    boastful = np.where(truth > 0.5, 0.99, 0.01)

    def verdict(candidate: Any, champion: Any) -> str:
        measured = task.measure(policy, labels, {}, candidate, champion, attempt=1, confidence=0.98)
        return str(judge(measured, policy, []).verdict.value)

    assert (verdict(truth, boastful), verdict(boastful, truth), verdict(truth, None)) == ("PASS", "FAIL", "PASS")
    assert task.expected(truth).value == pytest.approx(task.figure(labels, truth).value, abs=0.01)
    assert task.difference(labels, truth, boastful).value > 0
    assert task.metric.fell(Interval(0.3, 0.29, 0.31), task.estimate(labels, truth, 0.98))


def test_a_stage_is_done_and_undone(written: Written) -> None:
    written.module("ratchet/promotion/stages/announce.py")
    plan = written.changed("ratchet/promotion/plan.py")["PLAN"]
    at = two_versions(plan)
    carry_out(at.production, at.move(2, 1))
    assert at.registry.aliases == {"production": 2, "previous": 1, "canary": 2}
    at = two_versions(plan)
    at.rollout.wrong_answers.add(2)
    with pytest.raises(PromotionFailed, match="version 2 gives"):
        carry_out(at.production, at.move(2, 1))
    assert at.registry.aliases == {"production": 1}
    assert at.consistent


def test_a_source_reads_what_the_folder_would(written: Written, tmp_path: Path) -> None:
    source = written.module("ratchet/sources/archives.py").ArchiveSource(tmp_path, SHOP)
    for name in ("may", "june"):
        put(tmp_path / "folder" / name, tables())
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            for path in (tmp_path / "folder" / name).iterdir():
                archive.write(path, path.name)
    assert source.newest() == "june"
    assert source.by_date() == ["may", "june"]
    assert source.has_labels("may")
    assert source.check("may") == []
    assert source.read("may").snapshot == TableSource(tmp_path / "folder", SHOP).read("may").snapshot
    assert source.fingerprint("may") == source.fingerprint("may")
    assert source.labels_fingerprint("may") == source.labels_fingerprint("june") != ""
    assert source.marked("may", "_SUCCESS") is None
    assert source.examine("may") == ([], [], customers())
    (tmp_path / "may.zip").write_bytes(b"no archive")
    with pytest.raises(DataError, match="may cannot be read"):
        source.read("may")
    wiring = SimpleNamespace(project=SHOP)
    assert type(written.returned("in Wiring.source of ratchet/wiring.py", {"self": wiring, "place": tmp_path})) is type(source)
    assert callable(Wiring.source)


def test_a_notifier_says_what_people_want_to_know(written: Written) -> None:
    slack = written.module("ratchet/notify/slack.py")
    said: list[str] = []
    with listener(200) as (url, came):
        wiring = SimpleNamespace(settings=Settings(notify_url=url))
        (notifier,) = written.returned("in Wiring.notifiers of ratchet/wiring.py", {"self": wiring, "warn": said.append})
        assert isinstance(Wiring.notifiers, property)
        assert isinstance(notifier, slack.Slack)
        for state in MoveState:
            notifier.notify(entry(Moved(model="shop", state=state, to=2, before=1, cause=Cause.GATE, reasons=(), error="it hung")))
        notifier.notify(entry(Pruned(model="shop", before=NOW, answers=1)))
    assert [document["text"] for document in came] == [
        "shop: version 2 waits for `ratchet approve 2`",
        "shop: version 2 is in production (gate)",
        "shop: version 2 did not take production: it hung",
    ]
    assert said == []
    notifier.notify(entry(Moved(model="shop", state=MoveState.DONE, to=2, before=1, cause=Cause.GATE, reasons=())))
    assert said == ["[NOTIFY] record 1 did not reach Slack: ConnectError"]


def entry(event: Any) -> Entry[Any]:
    return Entry(event, 1, NOW, "anna")
