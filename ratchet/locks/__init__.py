"""One promoter at a time."""
