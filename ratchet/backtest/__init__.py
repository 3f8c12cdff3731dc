"""The stored months once more: what other policies would have promoted, and how the month after would have been.

Reads snapshots and nothing else of the project's state. What it makes lies in a folder of its own, or in memory.
"""
