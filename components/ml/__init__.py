"""In memory, no network: training, scoring, reports."""
