"""Throughput, latency and memory of one prediction behind a Feast look-up, beside what people would use instead."""
