"""A ratchet.yaml guessed from raw snapshots."""
