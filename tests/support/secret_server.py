"""As much of an API server as Helm's `lookup` of Secrets asks for."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Secrets = Mapping[tuple[str, str], Mapping[str, bytes]]

_CORE = {
    "kind": "APIResourceList",
    "groupVersion": "v1",
    "resources": [{"name": "secrets", "singularName": "secret", "namespaced": True, "kind": "Secret", "verbs": ["get", "list"]}],
}
_DISCOVERY: dict[str, dict[str, Any]] = {
    "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.4"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "groups": []},
    "/api/v1": _CORE,
}


@contextmanager
def cluster_with(secrets: Secrets, folder: Path) -> Iterator[Path]:
    """A kubeconfig of a cluster that has these Secrets, by namespace and name, and nothing else."""
    objects = {
        f"/api/v1/namespaces/{space}/secrets/{name}": {
            "kind": "Secret",
            "apiVersion": "v1",
            "metadata": {"name": name, "namespace": space},
            "data": {key: base64.b64encode(value).decode() for key, value in entries.items()},
        }
        for (space, name), entries in secrets.items()
    }

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = _DISCOVERY.get(self.path.partition("?")[0]) or objects.get(self.path)
            missing = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
            body = json.dumps(found or missing).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: it would stand in the test's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "nobody", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "nobody"}}],
    }
    try:
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(json.dumps(config), encoding="utf-8")
        yield kubeconfig
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
