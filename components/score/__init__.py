"""Score many rows."""
