"""Made-up snapshots of a streaming service, with drift and faults as options."""
