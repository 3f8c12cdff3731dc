"""The metrics of `ratchet exporter`, by the source that they are read from."""

from __future__ import annotations

from ratchet.core.metric import Kind, Metric
from ratchet.tasks.catalogue import TASKS

_VERSION = ("version",)
_SOURCE = ("source",)
_OF_TASKS = tuple(task.metrics for task in TASKS.values())
PROMOTION_BOUNDS = (5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)  # seconds


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, Kind.GAUGE, text, labels)


UP = Metric("ratchet_up", Kind.GAUGE, "1 when the source could be read: registry, ledger, chain, requests or rollout", _SOURCE)
READ_AT = _gauge("ratchet_source_read_timestamp_seconds", "When the source was read last", *_SOURCE)
READ_SECONDS = _gauge("ratchet_source_read_seconds", "How long that took", *_SOURCE)
EXPORTER = (UP, READ_AT, READ_SECONDS)

CHAMPION = _gauge(
    "ratchet_champion_info",
    "1; which version is in production and the date of its newest training snapshot",
    "version",
    "trained_on",
)
CHAMPION_VERSION = _gauge("ratchet_champion_version", "Number of the version in production")
CHAMPION_AGE = _gauge("ratchet_champion_age_seconds", "Time since the version in production was trained")
CHAMPION_DATE = _gauge("ratchet_champion_trained_on_timestamp_seconds", "Date of its newest training snapshot")
MAX_AGE = _gauge("ratchet_policy_max_age_seconds", "policy.max_age_days of ratchet.yaml; absent when there is none")
# each group with the metrics that the tasks declare
REGISTRY = (CHAMPION, CHAMPION_VERSION, CHAMPION_AGE, CHAMPION_DATE, MAX_AGE, *(m for of in _OF_TASKS for m in of.promised))

DECISIONS = Metric(
    "ratchet_decisions_total",
    Kind.COUNTER,
    "Decisions on record: trigger (RETRAIN, NO_ACTION, UNKNOWN), gate (PASS, FAIL, UNKNOWN), promotion (its states)",
    ("kind", "outcome"),
)
LAST_DECISION = _gauge("ratchet_last_decision_timestamp_seconds", "When the last decision of each kind was", "kind", "outcome")
DRIFT_SHARE = _gauge("ratchet_drift_share_ratio", "Share of drifted features at the last drift check")
DRIFT_BOUND = _gauge("ratchet_policy_drift_share_ratio", "policy.drift.drift_share of ratchet.yaml")
DRIFT_WORST = _gauge(
    "ratchet_drift_worst_effect_ratio",
    "Effect over threshold of the feature that moved most, at the last drift check",
    "feature",
)
UNANSWERED = _gauge(
    "ratchet_drift_unanswered_seconds", "Time since drift was found that neither a gate's FAIL nor a promotion has answered; else 0"
)
RUNS = Metric(
    "ratchet_runs_total",
    Kind.COUNTER,
    "Runs of the pipeline that have ended: promoted, skipped, no_action, unknown, awaiting_approval, failed",
    ("outcome",),
)
PROMOTION_SECONDS = Metric(
    "ratchet_promotion_seconds",
    Kind.HISTOGRAM,
    "From a promotion's intent to its end, reconciled ones apart",
    (),
    PROMOTION_BOUNDS,
)
PROMOTION_AT = _gauge("ratchet_promotion_changed_timestamp_seconds", "When a promotion began, ended or failed last")
OPEN = _gauge("ratchet_promotion_open_seconds", "Time since a promotion began that has not ended; else 0")
MEASURED_DATE = _gauge(
    "ratchet_measured_as_of_timestamp_seconds",
    "Date of the newest labelled snapshot that a version was measured on, by role: champion, previous or challenger",
    "version",
    "role",
)
FELL = _gauge(
    "ratchet_champion_fell", "1 when the newest labels show beyond doubt that the champion fell; needs the registry too", "version"
)
PROBATION = _gauge(
    "ratchet_champion_on_probation", "1 until the version in production has stood a labelled snapshot beside the one before"
)
WISHES = _gauge("ratchet_wishes_waiting", "Wishes for a candidate that wait for labels")
WISH_SINCE = _gauge(
    "ratchet_wish_waiting_seconds", "Time since the date of the snapshot that the oldest of these was made on; else 0"
)
FOREIGN = _gauge(
    "ratchet_alias_foreign", "1 while the registry's alias names what nobody promoted, or nothing; needs the registry too"
)
BROKEN = _gauge("ratchet_ledger_broken", "1 while the ledger is not as it was published and signed: every act stops")
REFUSED_ALIASES = Metric(
    "ratchet_alias_refused_total", Kind.COUNTER, "How often an alias that nobody promoted was refused and set back", ()
)
WAITING = _gauge("ratchet_promotions_awaiting_approval", "Candidates that wait for `ratchet approve`")
SNAPSHOT_DATE = _gauge("ratchet_snapshot_as_of_timestamp_seconds", "Date of the newest snapshot that was ingested")
INGESTED_AT = _gauge("ratchet_snapshot_ingested_timestamp_seconds", "When a snapshot was ingested last")
INTERVAL = _gauge("ratchet_snapshot_interval_seconds", "Median time between the dates of the last ten snapshots")
LEDGER = (
    DECISIONS,
    LAST_DECISION,
    DRIFT_SHARE,
    DRIFT_BOUND,
    DRIFT_WORST,
    UNANSWERED,
    *(m for of in _OF_TASKS for m in (*of.measured, *of.live, of.live_rows)),
    MEASURED_DATE,
    FELL,
    PROBATION,
    WISHES,
    WISH_SINCE,
    RUNS,
    PROMOTION_SECONDS,
    PROMOTION_AT,
    OPEN,
    FOREIGN,
    BROKEN,
    REFUSED_ALIASES,
    WAITING,
    SNAPSHOT_DATE,
    INGESTED_AT,
    INTERVAL,
)

REQUESTS = tuple(of.label_delay for of in _OF_TASKS)

PINNED = _gauge("ratchet_pinned_version", "Number of the version that the pods are to serve; 0: none")
PODS_READY = _gauge("ratchet_pods_ready", "Pods that are ready, by the version that they say they serve", *_VERSION)
STATE = _gauge("ratchet_rollout_state", "1 for the state that the rollout is in: READY, WAITING or STUCK", "state")
AGREE = _gauge(
    "ratchet_alias_pods_agree",
    "1 when template and pods are at the version of the alias and of the ledger, by its digest; needs the registry too",
)
ROLLOUT = (PINNED, PODS_READY, STATE, AGREE)
