"""How the ledger's tables came about, a file a change. Alembic reads the folder; what it applied stays as it is."""
