from __future__ import annotations

from tests.support.cluster_objects import CLUSTER

collect_ignore = [] if CLUSTER else ["test_kubernetes.py"]
