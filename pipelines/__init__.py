"""The DAG, its runners and the command line."""
