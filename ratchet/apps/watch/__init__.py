"""Start a run when new data lies there."""
