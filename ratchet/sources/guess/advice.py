"""What `ratchet init` writes beside the defaults: the settings that do best over years in worlds whose truth is known.

They are no defaults: a ratchet.yaml that is there goes on asking what it asked. How they were found: docs/benchmarks-years.md.
"""

from __future__ import annotations

from types import MappingProxyType

from ratchet.project.file import RETRAIN

WINDOWS = (2, 12)  # beside training.window
MIN_DELTA = 0.005  # of policy.gate

# place in ratchet.yaml -> value, why
ADVICE = MappingProxyType(
    {
        "policy.gate.min_delta": (MIN_DELTA, "small gains add up where things move slowly; the year's budget guards against luck"),
        "policy.retrain": (
            ("always", *RETRAIN),
            "every labelled snapshot makes candidates; without always, only a fall, drift or age",
        ),
        "training.windows": (
            WINDOWS,
            "newest snapshots of further recipes, so that months add up to a proof; [] saves their trainings",
        ),
    }
)
