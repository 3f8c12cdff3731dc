"""Snapshots as Parquet, written whole or not at all."""
