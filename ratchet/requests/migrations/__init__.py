"""How the request log's tables came about, a file a change. Alembic reads the folder; what it applied stays as it is."""
