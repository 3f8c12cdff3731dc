"""The changes of the request log's tables, oldest first."""
