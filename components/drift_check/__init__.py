"""Decide whether to retrain."""
