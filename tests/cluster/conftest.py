"""`make test-cluster` brings a cluster up and sets RATCHET_TEST_CLUSTER; without it nothing here is collected."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("RATCHET_TEST_CLUSTER") else ["test_*.py"]
