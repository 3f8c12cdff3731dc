"""Compare candidate and champion on the holdout."""
