"""Decisions: pure functions of measured figures. Standard library and numpy alone."""
