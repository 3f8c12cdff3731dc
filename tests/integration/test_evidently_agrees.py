"""Our effects and Evidently's are the same figures, and its report is whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ratchet.core.policy import DriftPolicy
from ratchet.core.schema import Columns, DType, Feature
from ratchet.drift.profile import profile
from ratchet.drift.verdict import drift
from ratchet.reports.evidently_report import drift_report
from tests.support.streamflow import SNAPSHOT_DIRS, feature_columns, streamflow

FEATURES = (
    Feature("tenure", DType.INT),
    Feature("fee", DType.FLOAT),
    Feature("balance", DType.FLOAT),
    Feature("paperless", DType.BOOL),
    Feature("plan", DType.CATEGORY),
)


def generated(seed: int, rows: int, drifted: float = 0.0) -> Columns:
    rng = np.random.default_rng(seed)
    plan = np.array(["dsl", "fiber", "none", None], dtype=object)
    share = 0.25 + drifted / 10
    return {
        "tenure": rng.poisson(30 + 3 * drifted, rows).astype(np.float64),
        "fee": np.where(rng.random(rows) < 0.1, np.nan, rng.gamma(2, 30 + 8 * drifted, rows)),
        "balance": rng.normal(drifted, 1000, rows),
        "paperless": np.where(rng.random(rows) < 0.2, np.nan, (rng.random(rows) < share).astype(np.float64)),
        "plan": rng.choice(plan, rows, p=[share, 0.5 - share, 0.3, 0.2]),
    }


def effects(features: tuple[Feature, ...], reference: Columns, current: Columns) -> dict[str, float | None]:
    result = drift(profile(features, reference), profile(features, current), DriftPolicy())
    return {test.feature: test.effect for test in result.tests if test.test == "value"}


@dataclass(frozen=True)
class Case:
    """Two months with what is known of their effects, to 5e-4: the rest is 0."""

    name: str
    features: tuple[Feature, ...]
    load: Callable[[], tuple[Columns, Columns]]
    known: Mapping[str, float] | None = None


def real(before: Path, after: Path) -> Case:
    name = f"drift_{before.name}_vs_{after.name}"
    return Case(name, streamflow().inputs, lambda: (feature_columns(before), feature_columns(after)), KNOWN.get(name))


KNOWN = {
    "drift_month_000_vs_month_001": {
        "rebuffer_events_7d": 0.205,
        "support_tickets_90d": 0.0928,
        "watch_hours_30d": 0.0887,
        "failed_payments_90d": 0.0739,
    }
}
CASES = [
    Case("drift_quiet_vs_quiet", FEATURES, lambda: (generated(1, 6000), generated(2, 4000))),
    Case("drift_quiet_vs_moved", FEATURES, lambda: (generated(1, 6000), generated(2, 4000, 1.0))),
    *(real(before, after) for before, after in pairwise(SNAPSHOT_DIRS)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_our_effects_are_evidentlys_on_every_column(case: Case) -> None:
    reference, current = case.load()
    _, figures = drift_report(case.features, reference, current, case.name, sample_rows=10**9)
    ours = effects(case.features, reference, current)
    assert len(ours) == len(case.features)
    assert ours == pytest.approx(figures, abs=1e-3)
    if case.known is not None:
        assert ours == pytest.approx(dict.fromkeys(ours, 0.0) | dict(case.known), abs=5e-4)


def test_the_report_is_named_and_its_sample_bounded_and_seeded() -> None:
    reference, current = generated(1, 3000), generated(2, 3000, 1.0)
    page, figures = drift_report(FEATURES, reference, current, "drift_month_000_vs_month_001", sample_rows=1000)
    assert "<h1>drift_month_000_vs_month_001</h1>" in page
    assert "1,000 reference rows and 1,000 current rows" in page
    assert drift_report(FEATURES, reference, current, "again", sample_rows=1000)[1] == figures
    assert drift_report(FEATURES, reference, current, "again", sample_rows=1000, seed=1)[1] != figures


def test_columns_that_evidently_cannot_take_are_left_out_and_named() -> None:
    reference, current = generated(1, 500), generated(2, 500)
    current |= {"fee": np.full(500, np.nan), "balance": np.full(500, 7.0), "plan": np.full(500, None, dtype=object)}
    page, figures = drift_report(FEATURES, reference, current, "drift_a_vs_b")
    assert list(figures) == ["tenure", "balance", "paperless"]
    assert "Left out, with fewer than two values on a side: fee, plan." in page


@pytest.mark.parametrize("rows", [0, 1])
def test_a_snapshot_with_nothing_to_show_still_has_a_report(rows: int) -> None:
    page, figures = drift_report(FEATURES, generated(1, 500), generated(2, rows), "drift_a_vs_b")
    assert figures == {}
    assert "Left out" in page


def test_a_category_that_would_run_as_script_is_text_in_the_report() -> None:
    hostile = "</script><script>document.title = 'taken over'</script>"
    plan = np.array(["basic", hostile], dtype=object)
    before, after = ({"plan": np.random.default_rng(seed).choice(plan, 300)} for seed in (1, 2))
    page, _ = drift_report((Feature("plan", DType.CATEGORY),), before, after, "drift_a_vs_b")
    assert hostile not in page
    assert "\\u003c/script>\\u003cscript>document.title" in page  # it is there, as Evidently's data
    assert page.count("</script>") == page.count("'sha256-") == 4
