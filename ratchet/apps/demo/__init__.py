"""The loop on one machine, shown as it goes."""
