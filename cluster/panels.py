"""What the dashboard shows: rows of panels with their queries."""

from __future__ import annotations

from dataclasses import dataclass

_VERSION = "version {{version}}"  # Grafana fills it in


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. In `queries`, expression and legend, `{}` stands for the selector of the namespace."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: str = "timeseries"


def _quantile(share: str, metric: str) -> str:
    return f"histogram_quantile({share}, sum by (le, version) (rate({metric}_bucket{{}}[$__rate_interval])))"


def _age(metric: str) -> str:
    return f"time() - max(ratchet_{metric}_timestamp_seconds{{}})"


ROWS: dict[str, tuple[Panel, ...]] = {
    "Production": (
        Panel("Version in production", "none", (("max(ratchet_champion_version{})", ""),), "stat"),
        Panel("Alias and pods agree", "bool_yes_no", (("min(ratchet_alias_pods_agree{})", ""),), "stat"),
        Panel("Sources that can be read", "bool_yes_no", (("min by (source) (ratchet_up{})", "{{source}}"),), "stat"),
        Panel("Pods ready, by version", "short", (("sum by (version) (ratchet_pods_ready{})", _VERSION),)),
        Panel("State of the rollout", "short", (("max by (state) (ratchet_rollout_state{})", "{{state}}"),)),
        Panel(
            "A promotion under way, a candidate waiting",
            "s",
            (("max(ratchet_promotion_open_seconds{})", "open for"), ("max(ratchet_promotions_awaiting_approval{})", "waiting")),
        ),
        Panel(
            "Promotion time",
            "s",
            (("sum(ratchet_promotion_seconds_sum{}) / sum(ratchet_promotion_seconds_count{})", "mean of all"),),
        ),
        Panel("Decisions, by kind", "short", (("sum by (kind, outcome) (ratchet_decisions_total{}) > 0", "{{kind}} {{outcome}}"),)),
        Panel("Runs, by outcome", "short", (("sum by (outcome) (ratchet_runs_total{})", "{{outcome}}"),)),
    ),
    "Model": (
        Panel(
            "AUC on the newest labelled snapshot, with its interval",
            "none",
            tuple(
                (f"max by (version, role) (ratchet_measured_auc{end}{{}})", f"{{{{role}}}}{end.replace('_', ' ')}, {_VERSION}")
                for end in ("", "_low", "_high")
            ),
        ),
        Panel(
            "Age of that snapshot",
            "s",
            (("time() - max by (version, role) (ratchet_measured_as_of_timestamp_seconds{})", "{{role}}, version {{version}}"),),
        ),
        Panel(
            "Champion fell, is on probation, wishes that wait for labels",
            "short",
            (
                ("max by (version) (ratchet_champion_fell{})", "version {{version}} fell"),
                ("max(ratchet_champion_on_probation{})", "on probation"),
                ("max(ratchet_wishes_waiting{})", "wishes"),
            ),
        ),
        Panel(
            "Live AUC with its interval, and the holdout's at training",
            "none",
            (
                ("max by (version) (ratchet_live_auc{})", "live, version {{version}}"),
                ("max by (version) (ratchet_live_auc_low{})", "live low, version {{version}}"),
                ("max by (version) (ratchet_live_auc_high{})", "live high, version {{version}}"),
                ("max by (version) (ratchet_holdout_auc{})", "holdout, version {{version}}"),
                ("max by (version) (ratchet_holdout_auc_low{})", "holdout low, version {{version}}"),
                ("max by (version) (ratchet_holdout_auc_high{})", "holdout high, version {{version}}"),
            ),
        ),
        Panel(
            "Labelled answers, by label",
            "short",
            (("max by (version, label) (ratchet_live_rows{})", "version {{version}}, label {{label}}"),),
        ),
        Panel(
            "Age of the newest labelled answer",
            "s",
            (("max by (version) (ratchet_live_label_delay_seconds{})", _VERSION),),
        ),
        Panel(
            "Drift share, and its bound",
            "percentunit",
            (("max(ratchet_drift_share_ratio{})", "share"), ("max(ratchet_policy_drift_share_ratio{})", "bound")),
        ),
        Panel(
            "Feature that has moved most, effect over threshold",
            "none",
            (("max by (feature) (ratchet_drift_worst_effect_ratio{})", "{{feature}}"),),
        ),
        Panel("Drift unanswered for", "s", (("max(ratchet_drift_unanswered_seconds{})", ""),)),
        Panel(
            "Age of version, of its data, and since the last snapshot",
            "s",
            (
                ("max(ratchet_champion_age_seconds{})", "version"),
                (_age("champion_trained_on"), "its data"),
                (_age("snapshot_ingested"), "since the last snapshot"),
            ),
        ),
        Panel(
            "Time since the last decision, by kind",
            "s",
            (("time() - max by (kind, outcome) (ratchet_last_decision_timestamp_seconds{})", "{{kind}} {{outcome}}"),),
        ),
        Panel("Time between snapshots", "s", (("max(ratchet_snapshot_interval_seconds{})", "median"),)),
    ),
    "Serving": (
        Panel(
            "Answers per second",
            "reqps",
            (("sum by (version) (rate(ratchet_predictions_total{}[$__rate_interval]))", _VERSION),),
        ),
        Panel(
            "Time to answer",
            "s",
            (
                (_quantile("0.5", "ratchet_request_seconds"), "half, version {{version}}"),
                (_quantile("0.99", "ratchet_request_seconds"), "99 %, version {{version}}"),
            ),
        ),
        Panel(
            "Requests refused per second",
            "reqps",
            (("sum by (version, status) (rate(ratchet_refused_total{}[$__rate_interval]))", "{{status}}, version {{version}}"),),
        ),
        Panel(
            "Probabilities answered: quarter, half, three quarters",
            "percentunit",
            tuple((_quantile(share, "ratchet_probability"), f"{share}, {_VERSION}") for share in ("0.25", "0.5", "0.75")),
        ),
        Panel(
            "Entities unknown, or with old features, per second",
            "reqps",
            (
                ("sum by (version) (rate(ratchet_unknown_entities_total{}[$__rate_interval]))", f"unknown, {_VERSION}"),
                ("sum by (version) (rate(ratchet_stale_features_total{}[$__rate_interval]))", f"old features, {_VERSION}"),
            ),
        ),
        Panel(
            "Missing features per second",
            "short",
            (("sum by (feature) (rate(ratchet_missing_features_total{}[$__rate_interval]))", "{{feature}}"),),
        ),
        Panel("Look-up in the online store, 99 %", "s", ((_quantile("0.99", "ratchet_online_store_seconds"), _VERSION),)),
        Panel(
            "Look-ups that failed per second",
            "reqps",
            (("sum by (version) (rate(ratchet_online_store_errors_total{}[$__rate_interval]))", _VERSION),),
        ),
        Panel(
            "Request log: waiting and dropped",
            "short",
            (
                ("sum(ratchet_request_log_backlog{})", "waiting"),
                ("sum(increase(ratchet_request_log_dropped_total{}[$__rate_interval]))", "dropped"),
            ),
        ),
    ),
}
