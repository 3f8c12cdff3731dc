"""The local cluster: a kind cluster with both charts on it, from official images or from packages alone."""
