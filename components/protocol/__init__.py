"""The promotion protocol: the one way in which production changes, used by promote, approve, rollback and reconcile."""
