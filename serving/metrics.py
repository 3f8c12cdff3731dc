"""What a serving process tells Prometheus."""

from __future__ import annotations

import os

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST
_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)  # seconds


class Metrics:
    """The service's counters. Labels are bounded: versions, endpoints and features of the project, never what a client sends."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.predictions = Counter("ratchet_predictions", "Answers given, probes apart", ["version"], registry=registry)
        self.seconds = Histogram("ratchet_request_seconds", "Time to answer", ["endpoint"], buckets=_FAST, registry=registry)
        self.refused = Counter("ratchet_refused", "Requests not answered", ["endpoint", "status"], registry=registry)
        self.unknown = Counter("ratchet_unknown_entities", "Entities without features in the online store", registry=registry)
        self.missing = Counter("ratchet_missing_features", "Empty features of scored rows", ["feature"], registry=registry)
        self.store_seconds = Histogram(
            "ratchet_online_store_seconds", "Time of a look-up in the online store", buckets=_FAST, registry=registry
        )
        self.store_errors = Counter("ratchet_online_store_errors", "Look-ups that failed or timed out", registry=registry)
        self.backlog = Gauge(
            "ratchet_request_log_backlog", "Answers not yet in the request log", multiprocess_mode="livesum", registry=registry
        )
        self.dropped = Counter("ratchet_request_log_dropped", "Answers that never got into the request log", registry=registry)
        self.ready = Gauge(
            "ratchet_model_ready", "1 when the version serves", ["version"], multiprocess_mode="livemin", registry=registry
        )

    def render(self) -> bytes:
        """The text format; of all worker processes when BentoML started several (it sets PROMETHEUS_MULTIPROC_DIR then)."""
        if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            return generate_latest(self.registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        return generate_latest(everyone)
