"""How often each rule decides wrong, on simulated months and models whose truth is known.

`python -m benchmarks.decisions` writes results/decisions.json and decisions.svg; docs/benchmarks-decisions.md explains them.
"""
