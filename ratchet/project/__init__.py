"""ratchet.yaml."""
