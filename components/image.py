"""The image that every component runs in; on a cluster it is given by digest when the pipeline is compiled."""

import os

IMAGE = os.environ.get("RATCHET_IMAGE", "ratchet-python:0.1.0")
