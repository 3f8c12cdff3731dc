"""Where the record of decisions is kept."""
