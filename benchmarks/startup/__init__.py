"""Seconds from the start of a serving process until it is ready, and what they go into."""
