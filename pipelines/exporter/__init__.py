"""What ledger, registry, request log and rollout tell Prometheus: `ratchet exporter`."""
