"""The decision report: one self-contained HTML page for the product owner (first screen) and the statistician (the rest).

It draws its own SVG and loads nothing, so it can be mailed, archived and read in ten years. Names from data are escaped by
Jinja's autoescape, and the page's content security policy forbids scripts and any network access.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from ratchet.core.decision import Decision
from ratchet.core.estimate import Estimate, Labels, Scores
from ratchet.core.events import Proof
from ratchet.core.measurement import Measurement
from ratchet.core.policy import GatePolicy
from ratchet.core.schema import Snapshot
from ratchet.drift.profile import Profile
from ratchet.drift.verdict import Drift
from ratchet.reports.html.comparison import groups, headline_figure
from ratchet.reports.html.drift_view import drift_view
from ratchet.reports.html.figures import SIDE
from ratchet.reports.html.rendering import template
from ratchet.reports.html.text import counted, figure, percent, shown
from ratchet.reports.html.wording import first_screen, rests_on
from ratchet.tasks.task import Task


@dataclass(frozen=True, slots=True)
class ReportContent:
    """Everything that the report shows.

    `task` draws its own figures and explains its own method. `champion` and `champion_scores` are None for a first model. `labels`
    and the scores are the n holdout rows, n up to millions. `manual` says that a PASS waits for approval. `drift`, `reference` and
    `current` belong together and may be None, as for a first model; their names are the snapshots'. `drift_report` is the name of
    Evidently's file beside this one, empty without one. `training` holds the parameters that were chosen and the cross-validation
    score, in the order in which to show them. `proof` is what the decision rests on, `out_of_time` the gain of the same recipe made
    without the judged month, None where it was not asked for.
    """

    task: Task
    model: str
    snapshot: Snapshot
    candidate: int
    champion: int | None
    decision: Decision
    policy: GatePolicy
    measurement: Measurement
    labels: Labels
    candidate_scores: Scores
    champion_scores: Scores | None
    decided_at: datetime
    decided_by: str
    project_hash: str
    holdout_salt: str
    holdout_share: float
    run_id: str
    manual: bool = False
    training: Mapping[str, object] = field(default_factory=dict)
    drift: Drift | None = None
    reference: Profile | None = None
    current: Profile | None = None
    reference_name: str = ""
    current_name: str = ""
    drift_report: str = ""
    proof: Proof = Proof.FRESH
    out_of_time: Estimate | None = None


def decision_report(content: ReportContent) -> str:
    """Render the report as an HTML document that is also well-formed XML, without any external reference."""
    measured, policy, versions = content.measurement, content.policy, (content.candidate, content.champion)
    counts = ", ".join(f"{count:,} {kind}" for kind, count in measured.counts.items())
    return template("decision.html.j2", content.task.templates).render(
        model=shown(content.model),
        snapshot=content.snapshot,
        snapshot_name=shown(content.snapshot.name),
        candidate=content.candidate,
        champion=content.champion,
        decision=content.decision,
        reasons=[(reason.verdict, shown(reason.text, 240)) for reason in content.decision.reasons],
        screen=first_screen(content.decision, measured, *versions, manual=content.manual),
        rests=rests_on(content.proof, content.out_of_time, *versions, passed=content.decision.passed),
        measured=measured,
        policy=policy,
        metric=measured.metric,
        figures=(figure(measured.primary.value), figure(measured.paired.champion) if measured.paired else ""),
        confidence=percent(measured.confidence),
        rows=", ".join(filter(None, (counted(measured.rows, "row"), counts))),
        counts=counts,
        delta=headline_figure(measured, policy, *versions),
        view=content.task.figures(
            measured, content.labels, content.candidate_scores, content.champion_scores, *versions, side=SIDE
        ),
        groups=groups(measured, policy),
        drift=drift_view(content.drift, content.reference, content.current) if content.drift else None,
        reference_name=shown(content.reference_name),
        current_name=shown(content.current_name),
        drift_report=quote(content.drift_report, safe=""),
        provenance=_provenance(content),
        decided_at=content.decided_at,
    )


def _provenance(content: ReportContent) -> list[tuple[str, str]]:
    """What one needs to reach the same decision again."""
    snapshot = content.snapshot
    rows: list[tuple[str, object]] = [
        ("Decided", f"{content.decided_at:%Y-%m-%d %H:%M:%S %Z}".strip()),
        ("By", content.decided_by),
        ("Run", content.run_id or "none"),
        ("Model", content.model),
        ("Candidate", f"version {content.candidate}"),
        ("Champion", "none" if content.champion is None else f"version {content.champion}"),
        ("Snapshot", f"{snapshot.name}, {snapshot.id}"),
        ("Snapshot rows", f"{snapshot.rows:,}, {snapshot.labelled_rows:,} labelled"),
        ("Snapshot hash", snapshot.hash),
        ("Project hash", content.project_hash),
        ("Holdout", f"share {content.holdout_share:g}, salt {content.holdout_salt}"),
        ("Try at this holdout", content.measurement.attempt),
        ("Rests on", content.proof.value),
        *([("Gain out of time", content.out_of_time.value)] if content.out_of_time else []),
        *((f"Training: {name}", value) for name, value in content.training.items()),
    ]
    return [(shown(name), shown(f"{value:.6g}" if isinstance(value, float) else str(value), 200)) for name, value in rows]
