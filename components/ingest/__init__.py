"""Validate a snapshot and store it."""
