"""Variables that other programs leave in an environment, and that would turn our libraries from what we tell them to do.

A notebook server, a launcher of MLflow projects or a web server sets them for itself: a run that is to be gone on with, an
experiment, a folder in which several processes share their metrics. Whatever an address or a key is needed for stays.
"""

from __future__ import annotations

import os
import re

_SHARED_METRICS = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir", "PROMETHEUS_MULTIPROCESS_DIR")
_MLFLOWS = re.compile(r"_?MLFLOW_\w+")
_KEPT = re.compile(
    r"MLFLOW_(TRACKING_(USERNAME|PASSWORD|TOKEN|AUTH|AWS_SIGV4|INSECURE_TLS|SERVER_CERT_PATH|CLIENT_CERT_PATH)|WORKSPACE"
    r"|S3_\w+|GCS_\w+|BOTO_\w+|KERBEROS_\w+|HTTP_REQUEST_\w+|ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT"
    r"|ENABLE_(PROXY_MULTIPART_DOWNLOAD|PROXY_MULTIPART_UPLOAD|MULTIPART_DOWNLOAD|MULTIPART_UPLOAD|ARTIFACTS_PROGRESS_BAR)"
    r"|SQLALCHEMYSTORE_\w+|LOGGING_LEVEL|DISABLE_TELEMETRY)"
)


def forget_shared_metrics() -> None:
    """Count in this process alone; for programs of one process, before they import Prometheus' client, which reads it then."""
    for name in _SHARED_METRICS:
        os.environ.pop(name, None)


def forget_mlflows() -> None:
    """Leave MLflow no run, experiment or address but those that we give it; before it is imported."""
    for name in [name for name in os.environ if _MLFLOWS.fullmatch(name) and not _KEPT.fullmatch(name)]:
        del os.environ[name]
