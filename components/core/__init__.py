"""Decisions as pure functions: standard library and numpy only, no input or output."""
