"""What a serving process reports to Prometheus. Every series bears the version that the process is pinned to."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

from ratchet.core.metric import Kind, Metric
from ratchet.private_names import counts_alone

CONTENT_TYPE = CONTENT_TYPE_LATEST
ENDPOINTS = ("predict", "predict_batch", "explain")
NO_VERSION = "none"  # before the first promotion
_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)  # seconds
_VERSION = ("version",)

PREDICTIONS = Metric("ratchet_predictions_total", Kind.COUNTER, "Answers given, probes apart", _VERSION)
SECONDS = Metric("ratchet_request_seconds", Kind.HISTOGRAM, "Time to answer a request", (*_VERSION, "route"), _FAST)
REFUSED = Metric(
    "ratchet_refused_total", Kind.COUNTER, "Requests not answered, by the status they got", (*_VERSION, "route", "status")
)
UNKNOWN = Metric("ratchet_unknown_entities_total", Kind.COUNTER, "Entities without features in the online store", _VERSION)
MISSING = Metric("ratchet_missing_features_total", Kind.COUNTER, "Empty features of scored rows", (*_VERSION, "feature"))
STORE_SECONDS = Metric("ratchet_online_store_seconds", Kind.HISTOGRAM, "Time of a look-up in the online store", _VERSION, _FAST)
STORE_ERRORS = Metric("ratchet_online_store_errors_total", Kind.COUNTER, "Look-ups that failed or timed out", _VERSION)
STALE = Metric(
    "ratchet_stale_features_total", Kind.COUNTER, "Rows whose stored features were old: warned of or refused", (*_VERSION, "then")
)
BACKLOG = Metric("ratchet_request_log_backlog", Kind.GAUGE, "Answers not yet in the request log", _VERSION)
DROPPED = Metric("ratchet_request_log_dropped_total", Kind.COUNTER, "Answers that never got into the request log", _VERSION)
READY = Metric("ratchet_model_ready", Kind.GAUGE, "1 when the version serves, 0 when the process cannot answer", _VERSION)
SERVING = (  # and the histogram of its scores, which is the task's
    PREDICTIONS,
    SECONDS,
    REFUSED,
    UNKNOWN,
    MISSING,
    STORE_SECONDS,
    STORE_ERRORS,
    STALE,
    BACKLOG,
    DROPPED,
    READY,
)


class Metrics:
    """The process's counters. Labels are bounded: versions, endpoints and features of the project, never what a client sends.

    Args:
        version: the pinned one; a process has no other.
    """

    def __init__(self, version: str = NO_VERSION) -> None:
        self.registry = registry = CollectorRegistry()
        self._version = version

        def counter(metric: Metric) -> Counter:
            return Counter(metric.name, metric.help, metric.labels, registry=registry)

        self.predictions = counter(PREDICTIONS).labels(version)
        seconds, self._refused, self._missing = self._histogram(SECONDS), counter(REFUSED), counter(MISSING)
        self.unknown = counter(UNKNOWN).labels(version)
        self.store_seconds = self._histogram(STORE_SECONDS).labels(version)
        self.store_errors = counter(STORE_ERRORS).labels(version)
        stale = counter(STALE)
        self.stale = {then: stale.labels(version, then) for then in ("warned", "refused")}
        # of several workers: what waits in all of them, and ready only when each of them is
        backlog = Gauge(BACKLOG.name, BACKLOG.help, BACKLOG.labels, multiprocess_mode="livesum", registry=registry)
        ready = Gauge(READY.name, READY.help, READY.labels, multiprocess_mode="livemin", registry=registry)
        self.backlog, self.ready = backlog.labels(version), ready.labels(version)
        self.dropped = counter(DROPPED).labels(version)
        self.seconds = {endpoint: seconds.labels(version, endpoint) for endpoint in ENDPOINTS}  # time to answer
        for endpoint in ENDPOINTS:  # a series that begins with its first failure shows Prometheus no increase
            for status in ("429", "500", "503"):
                self.refused(endpoint, status)

    def of_scores(self, metric: Metric) -> Histogram:
        """The process's histogram of the scores that it answers; made once."""
        return self._histogram(metric).labels(self._version)

    def _histogram(self, metric: Metric) -> Histogram:
        return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=self.registry)

    def refused(self, endpoint: str, status: str) -> Counter:
        """Requests that got this status."""
        return self._refused.labels(self._version, endpoint, status)

    def missing(self, feature: str) -> Counter:
        """Rows in which the feature was empty."""
        return self._missing.labels(self._version, feature)

    def render(self) -> bytes:
        """The text format; of all worker processes when BentoML started several."""
        if counts_alone(values):
            return generate_latest(self.registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        return generate_latest(everyone)
