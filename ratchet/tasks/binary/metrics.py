"""The metrics for Prometheus that only a binary model has. Users' dashboards and alerts name them."""

from __future__ import annotations

from ratchet.core.metric import Kind, Metric, OfTask

_VERSION = ("version",)
_TENTHS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def _gauge(name: str, what: str, *labels: str) -> Metric:
    return Metric(name, Kind.GAUGE, what, (*_VERSION, *labels))


METRICS = OfTask(
    scores=Metric("ratchet_probability", Kind.HISTOGRAM, "Probabilities answered, probes apart", _VERSION, _TENTHS),
    promised=(
        _gauge("ratchet_holdout_auc", "AUC of the version in production on its own holdout, when it was trained"),
        _gauge("ratchet_holdout_auc_low", "Lower end of its confidence interval"),
        _gauge("ratchet_holdout_auc_high", "Upper end of its confidence interval"),
    ),
    measured=(
        _gauge("ratchet_measured_auc", "AUC on the held-out rows of the newest labelled snapshot since training, by role", "role"),
        _gauge("ratchet_measured_auc_low", "Lower end of its confidence interval", "role"),
        _gauge("ratchet_measured_auc_high", "Upper end of its confidence interval", "role"),
    ),
    live=(
        _gauge("ratchet_live_auc", "AUC on labelled answers about held-out entities, when labels came last"),
        _gauge("ratchet_live_auc_low", "Lower end of its confidence interval"),
        _gauge("ratchet_live_auc_high", "Upper end of its confidence interval"),
    ),
    live_rows=_gauge("ratchet_live_rows", "Labelled answers that it rests on, by label: 1 or 0", "label"),
    label_delay=_gauge("ratchet_live_label_delay_seconds", "Age of the newest labelled answer: the live AUC knows no later one"),
)
