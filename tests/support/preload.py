"""What a fork server imports once for all of its children, who shall not spend 2 s each on it."""

from ratchet.registry.mlflow_import import import_mlflow

import_mlflow()
