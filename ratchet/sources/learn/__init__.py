"""What would have to change in ratchet.yaml for a snapshot to fit: the engine of `ratchet data check --learn`."""
