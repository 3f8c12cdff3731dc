"""The end of a run, written into the ledger."""
