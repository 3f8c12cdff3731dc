"""The feature store: training sets and online look-up."""
