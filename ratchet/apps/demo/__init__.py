"""The loop on one machine, told as it goes."""
