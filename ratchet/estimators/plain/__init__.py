"""The built-in estimators, taken out of their fitted pipelines as plain arrays."""
