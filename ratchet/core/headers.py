"""The names of HTTP headers that our own programs say something to each other by."""

PROBE = "x-ratchet-probe"  # `1`: the request is ours, its answer is neither logged nor counted
STATE = "x-ratchet-state"  # of a process that is not ready: `loading`, or `failed` when it will not get ready by itself
