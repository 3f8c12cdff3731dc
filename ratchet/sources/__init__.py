"""Raw snapshots as they are delivered."""
