"""The use cases, one file each. They take their ports as arguments."""
