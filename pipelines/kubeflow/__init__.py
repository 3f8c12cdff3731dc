"""Kubeflow Pipelines: its API server, runs on it, and what a task's pod needs there."""
