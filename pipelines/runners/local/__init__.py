"""kfp.local, on this machine."""
