"""Saying elsewhere what happened."""
