import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from ratchet.core.decision import Decision, Reason, Verdict, number
from ratchet.core.estimate import Estimate, Interval, Labels, Paired, Scores
from ratchet.core.events import Proof
from ratchet.core.gate import comparable, judge
from ratchet.core.measurement import SliceComparison
from ratchet.core.policy import DriftPolicy, GatePolicy
from ratchet.core.schema import Columns, DType, Feature, Provenance, Snapshot
from ratchet.drift.profile import Profile, profile
from ratchet.drift.verdict import drift, label_drift
from ratchet.reports.html.report import ReportContent, decision_report
from ratchet.tasks.binary.auc import Pair, auc, auc_interval, compare
from ratchet.tasks.binary.brier import brier
from ratchet.tasks.binary.measure import Figures
from ratchet.tasks.binary.slices import compare_slices
from ratchet.tasks.binary.task import BINARY

HOSTILE = "<script>alert('x')</script>\"&"
POLICY = GatePolicy()
FEATURES = [
    Feature("months_active", DType.INT),
    Feature("monthly_fee", DType.FLOAT),
    Feature("paperless_billing", DType.BOOL),
    Feature("plan_stream_tv", DType.BOOL),
    Feature("plan_stream_movies", DType.BOOL),
    Feature("net_service", DType.CATEGORY),
    Feature("watch_hours_30d", DType.FLOAT),
    Feature("avg_session_mins_7d", DType.FLOAT),
    Feature("unique_devices_30d", DType.INT),
    Feature("skips_7d", DType.INT),
    Feature("rebuffer_events_7d", DType.INT),
    Feature("failed_payments_90d", DType.INT),
    Feature("support_tickets_90d", DType.INT),
    Feature("ticket_avg_resolution_hrs_90d", DType.FLOAT),
]


def users(seed: int, rebuffers: float, rows: int = 7043, services: tuple[str, ...] = ("DSL", "Fiber optic", "No")) -> Columns:
    rng = np.random.default_rng(seed)
    columns: Columns = {
        "months_active": rng.integers(0, 73, rows).astype(float),
        "monthly_fee": rng.normal(65, 30, rows).clip(18, 119),
        "paperless_billing": (rng.random(rows) < 0.59).astype(float),
        "plan_stream_tv": (rng.random(rows) < 0.49).astype(float),
        "plan_stream_movies": (rng.random(rows) < 0.5).astype(float),
        "net_service": rng.choice(np.array(services, dtype=object), rows),
        "watch_hours_30d": rng.gamma(2, 12, rows),
        "avg_session_mins_7d": rng.gamma(4, 9, rows),
        "unique_devices_30d": rng.integers(1, 6, rows).astype(float),
        "skips_7d": rng.poisson(6, rows).astype(float),
        "rebuffer_events_7d": rng.poisson(rebuffers, rows).astype(float),
        "failed_payments_90d": rng.poisson(0.3, rows).astype(float),
        "support_tickets_90d": rng.poisson(1.1, rows).astype(float),
        "ticket_avg_resolution_hrs_90d": rng.exponential(20, rows),
    }
    for name in ("plan_stream_tv", "plan_stream_movies"):
        columns[name][rng.random(rows) < 0.216] = np.nan
    return columns


def scores(seed: int, labels: Labels, strength: float) -> Scores:
    logits = -1.1 + strength * (labels - 0.25) + np.random.default_rng(seed).normal(0, 0.6, len(labels))
    return 1 / (1 + np.exp(-logits))


def profiles(hostile: str = "No") -> tuple[Profile, Profile]:
    services = ("DSL", "Fiber optic", hostile)
    return (
        profile(FEATURES, users(1, 2.0, services=services)),
        profile(FEATURES, users(2, 2.29, services=services)),
    )


def report_content(
    *, first: bool = False, strength: float = 0.305, rows: int = 1400, hostile: str = "No", **change: Any
) -> ReportContent:
    rng = np.random.default_rng(5)
    labels = (rng.random(rows) < 0.265).astype(np.int8)
    new, old = scores(34, labels, strength), scores(12, labels, 0.0)
    groups = {
        "contract_type": rng.choice(np.array(["Month-to-month", "One year", "Two year"], dtype=object), rows, p=[0.55, 0.21, 0.24]),
        "user_is_senior": rng.choice(np.array(["0", "1"], dtype=object), rows, p=[0.84, 0.16]),
        "user_gender": rng.choice(
            np.array(["Female", "Male", hostile if hostile != "No" else "(missing)"], dtype=object), rows, p=[0.49, 0.48, 0.03]
        ),
    }
    found = Figures(
        rows=rows,
        positives=int(labels.sum()),
        candidate=auc_interval(labels, new, 0.98),
        candidate_brier=brier(labels, new),
        attempt=1,
        confidence=0.98,
    )
    if not first:
        slices = compare_slices(groups, labels, Pair.of(labels, new, old), confidence=0.98, min_rows=100, min_per_class=20)
        found = replace(found, paired=compare(labels, new, old, 0.98), champion_brier=brier(labels, old), slices=tuple(slices))
    measured = found.under(POLICY)
    proof = [] if first else [comparable("champion", Provenance(("2024-01-31@x",), "h", "s", 0.2, "p", 1, 5600), "s", 0.2)]
    reference, current = profiles(hostile)
    policy = DriftPolicy()
    content = ReportContent(
        task=BINARY,
        model="streamflow_churn",
        snapshot=Snapshot("month_001", date(2024, 2, 29), 7043, 7043, "ab" * 32, "cd" * 32),
        candidate=1 if first else 2,
        champion=None if first else 1,
        decision=judge(measured, POLICY, proof),
        policy=POLICY,
        measurement=measured,
        labels=labels,
        candidate_scores=new,
        champion_scores=None if first else old,
        decided_at=datetime(2024, 3, 1, 6, 30, tzinfo=UTC),
        decided_by="ada",
        project_hash="0f" * 32,
        holdout_salt="streamflow-2024",
        holdout_share=0.2,
        run_id="run-4711",
        training={"model": "hist_gradient_boosting", "learning_rate": 0.1, "max_leaf_nodes": 7, "cross-validated AUC": 0.6512345},
        drift=None
        if first
        else drift(reference, current, policy, (label_drift({"0": 5174, "1": 1869}, {"0": 5142, "1": 1901}, policy),)),
        reference=None if first else reference,
        current=None if first else current,
        reference_name="month_000",
        current_name="month_001",
        drift_report="drift_month_000_vs_month_001.html",
    )
    return replace(content, **change)


def text_of(page: str) -> str:
    """The page as a reader sees it: tags gone, white space single."""
    return " ".join(" ".join(tree(page).itertext()).split())


def tree(page: str) -> ET.Element:
    return ET.fromstring(page.split("<!DOCTYPE html>", 1)[1])  # noqa: S314 - our own page, made in this test


def squeezed(text: str) -> str:
    return " ".join(text.split())


CASES = {
    "pass": {},
    "fail": {"strength": 0.0},
    "unknown": {"rows": 150},
    "first": {"first": True},
}


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[str, ReportContent, str]:
    content = report_content(**CASES[request.param])  # type: ignore[arg-type]  # the table's values are report_content's arguments
    return request.param, content, decision_report(content)


def test_the_cases_are_what_their_names_say(case: tuple[str, ReportContent, str]) -> None:
    name, content, _ = case
    assert content.decision.verdict is Verdict[{"first": "PASS"}.get(name, name.upper())]


def test_the_first_screen_says_who_serves(case: tuple[str, ReportContent, str]) -> None:
    name, content, page = case
    heading = tree(page).find(".//h1")
    assert heading is not None
    assert (
        heading.text
        == {
            "pass": "Version 2 replaces version 1",
            "fail": "Version 1 stays in production",
            "unknown": "No verdict: version 1 stays in production",
            "first": "Version 1 goes into production",
        }[name]
    )
    assert f"<span>{content.decision.verdict}</span>" in page
    assert f'href="#{content.decision.verdict}"' in page  # the shape, for who does not see the colour


@pytest.mark.parametrize(
    ("case", "change", "sentence"),
    [
        (
            {},
            {"out_of_time": Estimate(0.0341, 0.012)},
            "without this snapshot, beats version 1 on it by 0.034 (standard error 0.012), so the gain is not this month's alone.",
        ),
        (
            {"strength": 0.0},
            {"out_of_time": Estimate(-0.02, 0.012)},
            "loses to version 1 on it by 0.020 (standard error 0.012), which does not show that a gain would last.",
        ),
        ({}, {"proof": Proof.PROBATION}, "Version 2 goes at once, on probation: version 1 comes back by itself"),
        ({}, {"proof": Proof.CHALLENGER}, "the decision rests on all labelled snapshots since, on which it and version 1"),
        ({}, {"proof": Proof.RETURN}, "Version 2 served before version 1: the decision rests on the first labelled snapshot after"),
    ],
)
def test_what_the_decision_rests_on_is_said_in_a_sentence(case: dict[str, Any], change: dict[str, Any], sentence: str) -> None:
    assert sentence in text_of(decision_report(report_content(**case, **change)))


def test_every_reason_is_said_as_the_ledger_has_it(case: tuple[str, ReportContent, str]) -> None:
    _, content, page = case
    seen = text_of(page)
    assert content.decision.reasons
    assert [reason for reason in content.decision.texts if squeezed(reason) not in seen] == []


def test_what_decided_stands_in_the_sentence_on_top(case: tuple[str, ReportContent, str]) -> None:
    name, content, page = case
    why = tree(page).find(".//p[@class='why']")
    assert why is not None
    assert why.text
    if name in {"fail", "unknown"}:
        assert content.decision.decisive[0] in why.text
    else:
        assert number(content.measurement.primary.value) in why.text


def test_both_aucs_and_the_interval_are_there(case: tuple[str, ReportContent, str]) -> None:
    name, content, page = case
    seen, measured = text_of(page), content.measurement
    assert f"version {content.candidate}: AUC {measured.primary.value:.3f}" in seen
    if measured.paired is None:
        assert f"{measured.primary.low:.3f} to {measured.primary.high:.3f}" in seen
        assert name == "first"
        return
    assert f"version 1: AUC {measured.paired.champion:.3f}" in seen
    ends = (f"{end:.3f}".replace("-", "\N{MINUS SIGN}") for end in (measured.paired.delta.low, measured.paired.delta.high))
    assert " to ".join(ends) in seen


def test_a_pass_that_needs_approval_says_how_to_approve() -> None:
    seen = text_of(decision_report(report_content(manual=True)))
    assert "Version 2 passed and waits for approval" in seen
    assert "ratchet approve 2" in seen


def test_the_simple_gate_says_that_the_interval_decides_nothing() -> None:
    content = report_content(policy=replace(POLICY, kind="simple"))
    seen = text_of(decision_report(replace(content, decision=judge(content.measurement, content.policy))))
    assert "needed: >= 0.010" in seen
    assert "decide nothing" in seen


def test_a_first_model_that_fails_leaves_nothing_in_production() -> None:
    seen = text_of(decision_report(report_content(first=True, strength=0.0)))
    assert "Nothing goes into production" in seen
    assert "because candidate AUC" in seen


def test_the_page_is_well_formed_with_unique_ids_and_resolving_anchors(case: tuple[str, ReportContent, str]) -> None:
    _, _, page = case
    assert page.lstrip().startswith("<!DOCTYPE html>")
    elements = list(tree(page).iter())
    ids = [element.get("id") for element in elements if element.get("id")]
    assert len(ids) == len(set(ids))
    anchors = {element.get("href", "")[1:] for element in elements if element.get("href", "").startswith("#")}
    assert anchors <= set(ids)
    for element in elements:
        if element.get("aria-labelledby"):
            assert set(element.get("aria-labelledby", "").split()) <= set(ids)
        if element.tag == "svg":
            named = element.get("aria-label") or element.get("aria-labelledby")
            assert element.get("aria-hidden") == "true" or (element.get("role") == "img" and named)


class References(HTMLParser):
    """Collects whatever a browser would load or follow."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "link", "iframe", "object", "embed", "img", "form"}
        for name, value in attrs:
            assert not name.startswith("on")
            if name in {"href", "src", "srcset", "action", "data", "poster"}:
                self.found.append(value or "")


def test_nothing_is_loaded_from_anywhere(case: tuple[str, ReportContent, str]) -> None:
    name, _, page = case
    parser = References()
    parser.feed(page)
    outside = {reference for reference in parser.found if not reference.startswith("#")}
    assert outside == (set() if name == "first" else {"drift_month_000_vs_month_001.html"})
    assert "http" not in re.sub(r"http-equiv", "", page)
    assert "url(" not in page
    assert "@import" not in page


def test_hostile_names_stay_text() -> None:
    content = report_content(
        hostile=HOSTILE,
        model=HOSTILE,
        decided_by=HOSTILE,
        run_id=HOSTILE,
        reference_name=HOSTILE,
        current_name=HOSTILE,
        training={HOSTILE: HOSTILE},
    )
    content = replace(
        content,
        snapshot=replace(content.snapshot, name=HOSTILE),
        decision=Decision(Verdict.FAIL, (Reason(Verdict.FAIL, HOSTILE),)),
    )
    page = decision_report(content)
    References().feed(page)  # asserts that no script element came to be
    assert "<script" not in page
    assert text_of(page).count(squeezed(HOSTILE)) >= 9


@pytest.mark.parametrize("address", ["javascript:alert(1)", "https://example.org/x", 'x" onclick="alert(1)', "//example.org/x"])
def test_a_hostile_report_name_leads_nowhere_else(address: str) -> None:
    parser = References()
    parser.feed(decision_report(report_content(drift_report=address)))
    (link,) = (reference for reference in parser.found if not reference.startswith("#"))
    assert ":" not in link
    assert not link.startswith("//")


def test_control_and_direction_characters_cannot_disguise_a_name() -> None:
    page = decision_report(report_content(hostile="No\x00\x1b\u202ecod.exe"))
    assert not {"\x00", "\x1b", "\u202e"} & set(page)
    assert "cod.exe" in text_of(page)


def test_drifted_features_are_drawn_and_quiet_ones_folded_away() -> None:
    content = report_content()
    assert content.drift is not None
    assert content.drift.drifted == ["rebuffer_events_7d"]
    page = tree(decision_report(content))
    section = page.find(".//section[@id='drift']")
    assert section is not None
    open_plots = section.find("./div[@class='small-multiples large']")
    assert open_plots is not None
    assert ["".join(title.itertext()) for title in open_plots.iter("h3")] == ["rebuffer_events_7d"]
    folded = section.find("./details")
    assert folded is not None
    assert len(list(folded.iter("h3"))) == len(FEATURES) - 1
    assert "21." in text_of(decision_report(content))  # the share of missing plan_stream_tv


def test_the_report_stays_small_whatever_is_put_in() -> None:
    assert len(decision_report(report_content()).encode()) < 150_000
    crowd = tuple(f"category {index} {'x' * 3000}" for index in range(300))
    reference = profile(FEATURES, users(1, 2.0, services=crowd))
    rows = 300_000
    labels = (np.random.default_rng(1).random(rows) < 0.3).astype(np.int8)
    new, old = scores(2, labels, 0.5), scores(3, labels, 0.1)
    content = report_content(
        labels=labels,
        candidate_scores=new,
        champion_scores=old,
        reference=reference,
        current=reference,
        drift=drift(reference, reference, DriftPolicy()),
    )
    assert len(decision_report(content).encode()) < 150_000


def test_a_holdout_of_one_class_is_reported_without_curves() -> None:
    labels = np.zeros(300, dtype=np.int8)
    new, nan = scores(1, labels, 0.0), float("nan")
    nothing = Interval(auc(labels, new), nan, nan)
    measured = Figures(300, 0, nothing, 0.1, 1, 0.98, Paired(nan, nan, nothing), 0.1).under(POLICY)
    content = report_content(
        measurement=measured, labels=labels, candidate_scores=new, champion_scores=new, decision=judge(measured, POLICY)
    )
    seen = text_of(decision_report(content))
    assert "the holdout rows are all of one class" in seen
    assert "rows of the rarer class 0 < 30" in seen


def test_empty_and_constant_columns_are_reported() -> None:
    columns = users(1, 2.0, rows=600)
    columns["monthly_fee"][:] = np.nan
    columns["watch_hours_30d"][:] = 7.5
    columns["skips_7d"][:] = 3
    columns["net_service"][:] = None
    side = profile(FEATURES, columns)
    page = decision_report(report_content(drift=drift(side, side, DriftPolicy()), reference=side, current=side))
    assert text_of(page).count("No value on either side.") == 2


def test_a_group_that_is_too_small_is_named_as_not_judged() -> None:
    rows = 1400
    content = report_content(hostile="Other", rows=rows)
    seen = text_of(decision_report(content))
    assert "not judged: too few rows" in seen
    assert "is not judged alone" in seen
    small = [SliceComparison("city", f"c{number}", 40, {"positive": 9}, None, "other (2 small groups)") for number in range(2)]
    pool = replace(content.measurement.slices[0], name="city", value="other (2 small groups)")
    measured = replace(content.measurement, slices=(*small, pool))
    seen = text_of(decision_report(replace(content, measurement=measured)))
    assert seen.count("not judged alone, too few rows: among other (2 small groups)") == 2
