"""Write the table of metrics from the code that declares them: `python -m docs.generators.metrics > docs/metrics.md`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cluster.images import ROOT
from ratchet.apps.exporter import metrics as exporter
from ratchet.core.metric import Metric
from ratchet.tasks.catalogue import TASKS
from serving import metrics as serving

FILE = ROOT / "docs" / "metrics.md"
TABLES: dict[str, Sequence[Metric]] = {
    "serving": (*serving.SERVING, *(task.metrics.scores for task in TASKS.values())),
    "exporter": exporter.EXPORTER,
    "exporter, registry": exporter.REGISTRY,
    "exporter, ledger": exporter.LEDGER,
    "exporter, request log": exporter.REQUESTS,
    "exporter, rollout": exporter.ROLLOUT,
}
_HEAD = """\
# Metrics

Each serving process has `/metrics` on its own port; `ratchet exporter` reports on port 9108 what ledger, registry, request log and
pods say (on a cluster: `exporter.enabled=true`). Units are in the names: seconds, ratios, numbers of things; an AUC has none.
`_total` counts up. A histogram `x` is `x_bucket`, `x_sum` and `x_count`. What comes from a source that is away is absent while
`ratchet_up` of it is 0.

| metric | type | labels | what it is | from |
| --- | --- | --- | --- | --- |
"""
_FOOT = """
A Prometheus without Kubernetes scrapes both like this; `charts/ratchet/files/rules.yaml` holds the alerts, and
[runbook.md](runbook.md) what to do about them:

```yaml
scrape_configs:
  - job_name: ratchet
    static_configs: [{targets: ["127.0.0.1:3000", "127.0.0.1:9108"]}]
rule_files: [charts/ratchet/files/rules.yaml]
```

Where several models are scraped, give each its label `release` (`labels: {release: churn}` beside the targets), as the chart's
ServiceMonitors do: alerts and dashboard tell models apart by it.

This file is written by `python -m docs.generators.metrics`.
"""


def text() -> str:
    """The file's content."""
    rows = [_row(metric, origin) for origin, metrics in TABLES.items() for metric in metrics]
    return _HEAD + "\n".join(rows) + "\n" + _FOOT


def _row(metric: Metric, origin: str) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "-"
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} | {origin} |"


if __name__ == "__main__":
    sys.stdout.write(text())
