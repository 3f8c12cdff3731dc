"""The command `ratchet`."""
