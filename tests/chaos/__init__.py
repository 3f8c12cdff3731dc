"""A campaign against a running home: kills, full and locked stores, hostile HTTP and tampering, under a client that never stops."""
