"""The image that every component runs in, best by digest. kfp.local runs components in this environment and does not look at it."""

import os

UNKNOWN = "ratchet-python"  # with `python` in its name, or kfp.local warns of a foreign image
IMAGE = os.environ.get("RATCHET_IMAGE") or UNKNOWN
