"""Answers that were given, and the labels that came later."""
