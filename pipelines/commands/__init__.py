"""The commands of `ratchet`, a module a theme."""
