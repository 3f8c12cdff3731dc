"""Rows that hang together (`holdout.group`), snapshots that are judged together (`policy.gate.pool`), copies across the border."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratchet.core.copies import copied
from ratchet.core.decision import Verdict
from ratchet.core.errors import DataError
from ratchet.core.gate import comparable
from ratchet.core.live import LabelledAnswers
from ratchet.core.schema import Columns, Snapshot, take
from ratchet.estimators import bundle as bundles
from ratchet.project.file import Project
from ratchet.snapshots.parquet import ParquetSnapshots
from ratchet.sources.folder import TableSource
from ratchet.steps import labels as labels_step
from ratchet.steps.parts.held_rows import held_answers, held_by, held_rows, keys
from ratchet.steps.parts.holdout import judged_holdout, read_holdout
from ratchet.steps.parts.snapshot_drift import count
from ratchet.steps.train import refuse_held_out
from tests.support.fakes import FakeRequests
from tests.support.loop import PROJECT, ROWS, Loop, month
from tests.support.shop import SHOP, put, tables

FACTS = PROJECT.model_dump(mode="json")
HOUSE = {"name": "house", "table": "t", "dtype": "int", "nullable": True}
BY_HOUSE = Project.model_validate({**FACTS, "holdout": {**FACTS["holdout"], "group": HOUSE}})


def pooled(snapshots: int, **gate: Any) -> Project:
    return Project.model_validate({**FACTS, "policy": {"gate": {"pool": snapshots, **gate}}})


class Houses(Loop):
    """Months in which three entities make a household, and the last ten have none."""

    def arrive(self, number: int, *, labelled: bool = True, **how: float) -> Snapshot:
        snapshot = super().arrive(number, labelled=labelled, **how)
        rows = len(self.store.stored[snapshot.as_of][1]["id"])
        house = np.arange(rows, dtype=np.float64) // 3 + 7_000_000
        house[-10:] = np.nan
        columns = {**self.store.stored[snapshot.as_of][1], "house": house}
        return self.store.put(snapshot, columns, self.store.stored[snapshot.as_of][2])


@pytest.fixture
def houses() -> Houses:
    made = Houses(BY_HOUSE)
    assert made.run(made.arrive(1)) == "done"
    return made


def test_rows_of_one_group_are_never_on_both_sides(houses: Houses) -> None:
    columns = houses.store.stored[date(2024, 1, 1)][1]
    held, known = held_rows(BY_HOUSE, columns), keys(BY_HOUSE, columns)
    assert {key for key, inside in zip(known, held, strict=True) if inside}.isdisjoint(known[~held])
    assert 0.2 < held.mean() < 0.4
    assert known[0] == known[2] == "7000000"
    assert known[-1] == f"u{ROWS - 1}", "an entity without a group is one of its own"
    version = houses.at.registry.stored[1]
    assert version.provenance is not None
    assert version.provenance.train_rows == int((~held).sum())
    read = read_holdout(BY_HOUSE, houses.store, houses.store.get("m1"))
    assert sorted(read.entities) == sorted(columns["id"][held])
    assert read.groups is not None
    assert len(set(read.groups.tolist())) == len(set(known[held]))
    bundle = bundles.read(houses.at.registry.bundle(version))
    assert count(BY_HOUSE, houses.store, bundle, houses.store.get("m1"), range(ROWS)).predictions.rows == int(held.sum())
    with pytest.raises(DataError, match="training rows are held out"):
        refuse_held_out(BY_HOUSE, known)


def test_without_a_group_the_holdout_is_what_it_was() -> None:
    columns, labels = month(1)
    loop = Loop()
    held = read_holdout(PROJECT, loop.store, loop.arrive(1))
    inside = held_by(PROJECT, columns["id"])
    assert PROJECT.holdout.identity == "x"
    assert held.groups is None
    assert np.array_equal(held.entities, columns["id"][inside])
    assert np.array_equal(held.labels, labels["label"][inside])
    assert np.array_equal(held.columns["b"], columns["b"][inside], equal_nan=True)
    assert held.slices["s"].tolist() == [{0.0: "false", 1.0: "true"}[value] for value in columns["s"][inside]]


def test_by_groups_it_is_another_holdout_than_by_entities(houses: Houses) -> None:
    version = houses.at.registry.stored[1]
    reason = comparable("champion", version.provenance, PROJECT.holdout.salt, 0.3)
    assert reason.verdict is Verdict.UNKNOWN
    assert "another holdout (salt 'x by house', now 'x')" in reason.text
    assert houses.run(houses.arrive(2, turn=1, shift=1)) == "done"
    assert "groups of the rarer class" in " ".join(houses.at.journal.history().gates[-1].event.reasons)


def test_an_answer_is_held_out_by_the_group_that_a_snapshot_knows_its_entity_in(houses: Houses) -> None:
    columns = houses.store.stored[date(2024, 1, 1)][1]
    entities = np.append(columns["id"][:300], ["stranger"]).astype(object)
    answers = LabelledAnswers(entities, np.arange(301, dtype=np.int8) % 2, np.linspace(0, 1, 301))
    kept = held_answers(BY_HOUSE, houses.store, answers)
    assert kept.entities.tolist() == columns["id"][:300][held_rows(BY_HOUSE, columns)[:300]].tolist()
    assert kept.groups is not None
    assert len(set(kept.groups.tolist())) == len(kept.entities) // 3
    assert not len(held_answers(BY_HOUSE, None, answers).entities), "who knows no group leaves the answer out"
    found = held_answers(PROJECT, None, answers)
    assert found.entities.tolist() == entities[held_by(PROJECT, entities)].tolist()


def test_late_labels_are_measured_by_group(houses: Houses) -> None:
    columns, labels = month(1)

    class Requests(FakeRequests):
        def join(self, labels: Columns) -> Any:
            return len(labels["label"])

    requests = Requests()
    requests.pairs = {1: LabelledAnswers(columns["id"], labels["label"], np.linspace(0, 1, ROWS))}
    run = (BY_HOUSE, houses.at.registry, houses.at.journal, requests, {"label": labels["label"]})
    held = int(held_rows(BY_HOUSE, houses.store.stored[date(2024, 1, 1)][1]).sum())
    assert [item.rows for item in labels_step.run(*run, houses.store).versions] == [held]
    assert [item.value for item in labels_step.run(*run).versions] == [None]


def test_a_group_must_be_a_column_that_the_project_describes() -> None:
    assert BY_HOUSE.columns[-1].name == "house"
    with_slice = Project.model_validate({**FACTS, "holdout": {**FACTS["holdout"], "group": "s"}})
    assert with_slice.columns == PROJECT.columns
    assert with_slice.hash != PROJECT.hash
    with pytest.raises(ValueError, match=r"holdout\.group names no feature and no slice: house"):
        Project.model_validate({**FACTS, "holdout": {**FACTS["holdout"], "group": "house"}})
    with pytest.raises(ValueError, match="named more than once"):
        Project.model_validate({**FACTS, "holdout": {**FACTS["holdout"], "group": {**HOUSE, "name": "a"}}})


def test_snapshots_are_judged_together_and_an_entity_counts_once_by_its_newest_row() -> None:
    loop = Loop()
    first, second = loop.arrive(1, rows=900), loop.arrive(2, rows=600)
    loop.arrive(3, labelled=False)
    old, new = (read_holdout(PROJECT, loop.store, item) for item in (first, second))
    both = judged_holdout(pooled(2), loop.store, second)
    assert both.snapshot == second
    assert both.entities[: len(new.entities)].tolist() == new.entities.tolist()
    assert set(both.entities) == set(old.entities)
    assert len(both.entities) == len(set(both.entities)) == len(old.entities)
    assert np.array_equal(both.columns["a"][: len(new.entities)], new.columns["a"])
    alone = judged_holdout(pooled(1), loop.store, second)
    assert alone.entities.tolist() == new.entities.tolist()
    assert judged_holdout(pooled(9), loop.store, first).entities.tolist() == old.entities.tolist(), "what came later is not used"


def test_a_first_model_on_few_rows_passes_with_the_months_before() -> None:
    def arrived(project: Project) -> str:
        loop = Loop(project)
        for number in (1, 2):  # other entities each month
            snapshot = loop.arrive(number, rows=500)
            stored, columns, labels = loop.store.stored[snapshot.as_of]
            ids = np.array([f"{number}-{name}" for name in columns["id"]], dtype=object)
            loop.store.put(stored, {**columns, "id": ids}, {**(labels or {}), "entity": ids})
            loop.at.rollout.known = {
                name: {"a": a, "b": b, "c": c} for name, a, b, c in zip(ids, columns["a"], columns["b"], columns["c"], strict=True)
            }
        return loop.run(loop.store.get("m2"))

    assert arrived(pooled(1)) == "UNKNOWN"
    assert arrived(pooled(2)) == "done"


def copies_in(loop: Loop, snapshot: Snapshot, share: float) -> None:
    """Give a share of the held-out rows the features and the label of a training row."""
    stored, columns, labels = loop.store.stored[snapshot.as_of]
    assert labels is not None
    inside = held_by(PROJECT, columns["id"])
    to = np.flatnonzero(inside)[: int(share * inside.sum())]
    source = np.arange(len(inside))
    source[to] = np.flatnonzero(~inside)[: len(to)]
    changed = {name: values if name == "id" else values[source] for name, values in columns.items()}
    loop.store.put(stored, changed, {**labels, "label": labels["label"][source]})


def test_copies_across_the_border_are_counted_and_refused_beyond_the_projects_bound() -> None:
    loop = Loop()
    copies_in(loop, loop.arrive(1), 0.3)
    assert loop.run(loop.store.get("m1")) == "done"
    said = next(line for line in loop.said if line.startswith("[HOLDOUT]"))
    assert said.endswith("held-out rows are exact copies of training rows, features and label")
    assert any(
        "share of held-out rows that are copies of training rows 0.2" in text or "rows 0.3" in text
        for text in loop.at.journal.history().gates[-1].event.reasons
    )
    strict = Loop(pooled(1, max_copied_share=0.1))
    copies_in(strict, strict.arrive(1), 0.3)
    assert strict.run(strict.store.get("m1")) == "UNKNOWN"
    assert "name what they hang together by as holdout.group" in strict.at.journal.history().gates[-1].event.decisive[0]


def test_a_copy_agrees_in_every_feature_and_in_the_label() -> None:
    rng = np.random.default_rng(1)
    columns = {
        "n": np.array([1.5, 1.5, np.nan, np.nan, 0.0, -0.0, 2.0, 2.0]),
        "t": np.array(["x", "x", None, None, "y", "y", "y", "z"], dtype=object),
    }
    labels = np.array([1, 1, 0, 0, 1, 0, 1, 1], dtype=np.int8)
    held = np.tile([True, False], 4)
    assert copied(columns, labels, held).tolist() == [True, False, True, False, False, False, False, False]
    order = rng.permutation(8)
    assert copied(take(columns, order), labels[order], held[order]).tolist() == copied(columns, labels, held)[order].tolist()
    many = {"f": rng.normal(size=20_000), "g": rng.normal(size=20_000)}
    assert not copied(many, np.zeros(20_000, np.int8), rng.random(20_000) < 0.2).any()


def test_the_groups_column_comes_in_with_the_tables(tmp_path: Path) -> None:
    facts = SHOP.model_dump(mode="json")
    group = {"name": "household", "table": "people", "dtype": "int", "nullable": True}
    project = Project.model_validate({**facts, "holdout": {"salt": "s", "group": group}})
    content = tables()
    content["people"]["household"] = [None if number == 11 else number // 4 for number in range(len(content["people"]))]
    put(tmp_path / "may", content)
    raw = TableSource(tmp_path, project).read("may")
    store = ParquetSnapshots(tmp_path / "store", project.entity, project.label.name, [item.feature for item in project.columns])
    store.write(raw.snapshot, raw.features, raw.labels)
    columns = store.columns(store.get("may"), ["customer", "household"])
    assert keys(project, columns).tolist() == ["0"] * 4 + ["1"] * 4 + ["2"] * 3 + ["C012"]
    held = read_holdout(project, store, store.get("may"))
    assert sorted(held.entities) == sorted(columns["customer"][held_rows(project, columns)])
