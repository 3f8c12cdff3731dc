"""`make test-cluster` brings a cluster up and sets RATCHET_TEST_CLUSTER; without it nothing here is collected."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.kind import Cluster
from tests.cluster.toolbox import Toolbox

collect_ignore_glob = [] if os.environ.get("RATCHET_TEST_CLUSTER") else ["test_*.py"]


@pytest.fixture(scope="module")
def toolbox() -> Iterator[Toolbox]:
    tools = os.environ.get("RATCHET_TEST_TOOLS")
    cluster = Cluster(os.environ["RATCHET_TEST_CLUSTER"], Path(tools) if tools else None)
    made = Toolbox.of(cluster)
    yield made
    made.preloaded.close()
