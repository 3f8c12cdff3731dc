"""A snapshot counted in parts gives the very verdict of one that is counted whole."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ratchet.core.errors import DataError, UserError
from ratchet.core.row_groups import label_of, row_groups
from ratchet.core.schema import Snapshot
from ratchet.drift.profile import merge
from ratchet.estimators import bundle as bundles
from ratchet.steps import profile_rows
from ratchet.steps.parts import snapshot_drift, snapshot_parts
from ratchet.steps.parts.sampling import sample
from tests.support.loop import PROJECT, Loop, first_champion

PER_POD = 1000


@pytest.fixture
def loop() -> Loop:
    return first_champion()


def count(loop: Loop, snapshot: Snapshot, group: str, project: object = PROJECT) -> str:
    ports = (project, loop.store, loop.at.registry, loop.at.journal, loop.reports)
    return profile_rows.run(*ports, snapshot, group, say=loop.said.append)  # type: ignore[arg-type]


def verdicts(loop: Loop, snapshot: Snapshot) -> list[str]:
    """What the ledger says of the drift: by one pod, by parts that others counted, and with none or half of the parts."""
    loop.check(snapshot)
    loop.rows_per_pod = PER_POD
    loop.check(snapshot)
    groups = row_groups(snapshot.rows, PER_POD)
    for made, group in enumerate(groups, start=1):
        count(loop, snapshot, label_of(group))
        loop.said.clear()
        loop.check(snapshot)
        assert f"[PROFILE] {made} of {len(groups)} groups of rows were counted by other tasks" in loop.said
    return [json.dumps(record.body["drift"], sort_keys=True) for record in loop.at.ledger.records("trigger")[1:]]


@pytest.mark.parametrize("how", [{}, {"shift": 1.0}, {"shift": 0.08}, {"rows": 2999, "turn": 1.0}])
def test_the_verdict_is_the_same_to_the_bit_whoever_counts(loop: Loop, how: dict[str, Any]) -> None:
    found = verdicts(loop, loop.arrive(2, **how))
    assert len(found) == 5
    assert len(set(found)) == 1


def test_the_gate_takes_over_what_was_counted(loop: Loop) -> None:
    snapshot = loop.arrive(2, turn=1, shift=1)
    loop.rows_per_pod = PER_POD
    for group in row_groups(snapshot.rows, PER_POD):
        count(loop, snapshot, label_of(group))
    loop.said.clear()
    assert loop.run(snapshot) == "done"
    assert loop.said.count("[PROFILE] 3 of 3 groups of rows were counted by other tasks") == 1, "once a run"


@pytest.mark.parametrize("how", [{"turn": 1.0, "shift": 1.0}, {"turn": 1.0, "rows": 2999}])
def test_a_snapshots_drift_is_measured_once_a_run_and_the_report_is_the_same(
    loop: Loop, how: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = loop.arrive(2, **how)
    loop.check(snapshot)
    candidate = loop.train(snapshot)
    (whole,) = [name for name in loop.reports.saved if name.startswith("profile_")]
    kept = loop.reports.saved.pop(whole)
    anew = loop.judge(snapshot, candidate).report_html
    loop.reports.saved[whole] = kept

    def never(*_: object) -> None:
        pytest.fail("counted again")

    monkeypatch.setattr(snapshot_parts, "count", never)
    monkeypatch.setattr(snapshot_drift, "count", never)
    assert undated(loop.judge(snapshot, candidate).report_html) == undated(anew)


def undated(html: str) -> str:
    """The report without the moment of the decision."""
    return re.sub(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}(:\d{2})?", "", html)


def test_another_runs_drift_is_not_taken(loop: Loop) -> None:
    snapshot = loop.arrive(2, turn=1, shift=1)
    loop.check(snapshot)
    (trigger,) = loop.at.journal.history().triggers[1:]
    bundle = bundles.read(loop.at.registry.bundle(loop.at.registry.version(1)))
    parts = snapshot_parts.Parts(loop.reports, PROJECT, snapshot, loop.at.registry.version(1))
    assert snapshot_parts.found_in_run(loop.at.journal.history(), trigger.event.run_id, parts, bundle) is not None
    assert snapshot_parts.found_in_run(loop.at.journal.history(), "another", parts, bundle) is None


def test_a_damaged_part_is_counted_again(loop: Loop) -> None:
    snapshot = loop.arrive(2, shift=1)
    whole = loop.check(snapshot).drift
    loop.rows_per_pod = PER_POD
    count(loop, snapshot, "0-1000")
    (name,) = [name for name in loop.reports.saved if name.startswith("profile_") and "_0-1000" in name]
    loop.reports.saved[name] = loop.reports.saved[name][:100]
    assert loop.check(snapshot).drift == whole


def test_parts_of_another_snapshot_or_champion_are_never_taken(loop: Loop) -> None:
    second = loop.arrive(2, shift=1)
    loop.rows_per_pod = PER_POD
    for group in row_groups(second.rows, PER_POD):
        count(loop, second, label_of(group))
    replaced = loop.store.put(replace(second, features_hash="f" * 64), *loop.store.stored[second.as_of][1:])
    loop.said.clear()
    loop.check(replaced)
    assert "[PROFILE] 0 of 3 groups of rows were counted by other tasks" in loop.said


def test_without_a_champion_there_is_nothing_to_count() -> None:
    loop = Loop()
    assert count(loop, loop.arrive(1), "0-1000") == ""
    assert loop.reports.saved == {}


def test_rows_that_the_snapshot_has_not_are_refused(loop: Loop) -> None:
    with pytest.raises(UserError, match="'0-9000' is no stretch of 3000 rows"):
        count(loop, loop.arrive(2), "0-9000")


def test_features_of_another_project_are_refused(loop: Loop) -> None:
    snapshot = loop.arrive(2)
    other = PROJECT.model_copy(update={"features": PROJECT.features[:2]})
    assert count(loop, snapshot, "0-1000", other) == ""
    bundle = bundles.read(loop.at.registry.bundle(loop.at.registry.version(1)))
    with pytest.raises(DataError, match="features changed: -c"):
        snapshot_drift.count(other, loop.store, bundle, snapshot, range(10))


def test_pieces_of_any_length_make_the_same_count(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = loop.arrive(2, shift=1, rows=600)
    bundle = bundles.read(loop.at.registry.bundle(loop.at.registry.version(1)))

    def counted(piece: int, *cuts: int) -> tuple[str, str]:
        monkeypatch.setattr(snapshot_drift, "_PIECE", piece)
        edges = [0, *cuts, snapshot.rows]
        parts = [snapshot_drift.count(PROJECT, loop.store, bundle, snapshot, range(a, b)) for a, b in itertools.pairwise(edges)]
        return merge(*(part.features for part in parts)).to_json(), merge(*(part.predictions for part in parts)).to_json()

    whole = counted(10**6)
    assert counted(1) == whole
    assert counted(140, 1, 2, 300, 599) == whole
    assert counted(64, 0, 0, 600) == whole, "empty stretches count nothing"


def test_a_sample_is_the_same_rows_however_it_is_read(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = loop.arrive(2)
    names = ["id", "a"]
    whole = sample(loop.store, snapshot, names, 50, seed=3)
    assert len(set(whole["id"])) == 50
    rows = dict(zip(*(loop.store.columns(snapshot, names)[name] for name in names), strict=True))
    assert [rows[entity] for entity in whole["id"]] == whole["a"].tolist()
    monkeypatch.setattr("ratchet.steps.parts.sampling._PIECE", 7)
    assert sample(loop.store, snapshot, names, 50, seed=3)["id"].tolist() == whole["id"].tolist()
    np.testing.assert_array_equal(sample(loop.store, snapshot, names, 3000)["a"], loop.store.columns(snapshot, names)["a"])
