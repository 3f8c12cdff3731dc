"""What several adapters share: one vendor's client, or the disk."""
