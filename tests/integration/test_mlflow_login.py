"""MLflow with the chart's login: started as the pod starts it, it answers who has the password, and nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ratchet.core.errors import Misconfigured
from ratchet.registry.mlflow_registry import MlflowRegistry
from tests.cluster.rendering import found_helm, one, rendered
from tests.support.platform_site import FILES, free_port

HELM = found_helm()
needs_helm = pytest.mark.skipif(HELM is None, reason="helm is missing: https://helm.sh/docs/intro/install, or `make cluster-up`")
PASSWORD = "a-password-of-16"  # noqa: S105 - of a server that is gone after the test


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    start = (FILES / "mlflow.sh").read_text(encoding="utf-8").replace("/tmp", str(folder))  # noqa: S108 - the pod's own
    arguments = [
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
        "--serve-artifacts",
        "--artifacts-destination",
        "art",
    ]
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "AUTH_USER": "ratchet",
        "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": PASSWORD,
        "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{folder}/mlflow.db",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    with (folder / "log").open("wb") as log:
        command = ["sh", "-c", start, "start.sh", *arguments]
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            assert server.poll() is None, (folder / "log").read_text()
            try:
                if httpx.get(f"{url}/health", timeout=5, trust_env=False).text == "OK":  # a probe needs no login
                    break
            except httpx.HTTPError:
                pass
            time.sleep(0.2)
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


@pytest.mark.parametrize("password", ["", "wrong"])
def test_who_has_no_password_is_told_so(address: str, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if password:
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ratchet")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)
    with pytest.raises(Misconfigured, match="check the credentials, MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"):
        MlflowRegistry(address, "m", None, 3).alias("production")


def test_whoever_has_the_secrets_entries_is_let_in(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ratchet")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    assert MlflowRegistry(address, "m", None, 3).alias("production") is None


@needs_helm
def test_with_a_login_every_use_has_it_and_without_one_nobody_is_told_of_it() -> None:
    assert HELM is not None
    for enabled in (False, True):
        documents = rendered(HELM, "platform", f"mlflow.auth.enabled={str(enabled).lower()}")
        password = one(documents, "Secret", "platform-credentials")["stringData"]["mlflow-login"]
        for use in ("", "-promoter", "-serving", "-reader"):
            entries = one(documents, "Secret", f"ratchet-connections{use}")["stringData"]
            login = {key: value for key, value in entries.items() if key.startswith("MLFLOW_TRACKING")}
            assert login == ({"MLFLOW_TRACKING_USERNAME": "ratchet", "MLFLOW_TRACKING_PASSWORD": password} if enabled else {})
        (server,) = one(documents, "Deployment", "platform-mlflow")["spec"]["template"]["spec"]["containers"]
        assert ("AUTH_USER" in str(server["env"])) is enabled
        assert "mlflow-login" not in str(one(documents, "StatefulSet", "platform-postgres"))
