"""Make a candidate."""
