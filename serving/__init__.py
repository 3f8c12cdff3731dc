"""The BentoML service and the local gateway in front of it."""
