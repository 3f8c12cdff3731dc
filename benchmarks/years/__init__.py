"""Thirty-six months in worlds whose truth is known: what serves under each policy, and how good it truly is.

`python -m benchmarks.years` writes results/years.json and years.svg; docs/benchmarks-years.md explains them.
"""
