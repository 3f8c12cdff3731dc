"""Ratchet's pipeline steps, the decisions they take and the adapters they take them through."""
