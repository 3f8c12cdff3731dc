"""Whether a snapshot differs from what the champion was trained on."""
