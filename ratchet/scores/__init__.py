"""Scores of many rows: where the rows come from, and where their scores go."""
