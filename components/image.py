"""The image that components name. kfp.local does not look at it; for a cluster the pipeline is compiled with that cluster's."""

IMAGE = "ratchet-python"  # with `python` in its name, or kfp.local warns of a foreign image
