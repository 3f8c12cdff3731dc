"""A server that answers as the API server of Kubeflow Pipelines 2.17.0 does, as far as pipelines/runners/kubeflow/api.py asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

WHEN = "2026-11-25T13:46:04Z"


@dataclass
class Kubeflow:
    """What the server knows, and what it was asked: method, path and the Authorization header of each request."""

    many_users: bool = False
    refuses: int = 0  # status of every answer, when not 0
    pipelines: dict[str, list[str]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)  # of versions
    runs: list[dict[str, Any]] = field(default_factory=list)
    workflow: dict[str, Any] = field(default_factory=dict)
    page: str = ""  # in place of a run's workflow
    logs: dict[str, str] = field(default_factory=dict)  # by pod's or node's name
    hidden: int = 0  # looks for an experiment before it is there
    looks: int = 0
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def get(self, path: str, query: dict[str, str]) -> tuple[int, Any]:  # noqa: C901, PLR0911 - an answer a path
        wanted = [item["stringValue"] for item in json.loads(query.get("filter", "{}")).get("predicates", [])]
        match path.strip("/").split("/")[2:]:
            case ["healthz"]:
                return 200, {"multi_user": self.many_users, "tag_name": "2.17.0"}
            case ["pipelines"]:
                return 200, {
                    "pipelines": [{"pipeline_id": name, "display_name": name} for name in self.pipelines if name in wanted]
                }
            case ["pipelines", name, "versions"]:
                found = [version for version in self.pipelines[name] if not wanted or version in wanted]
                return 200, {"pipeline_versions": [{"pipeline_id": name, "pipeline_version_id": version} for version in found]}
            case ["experiments"]:
                self.looks += 1
                return 200, {"experiments": [{"experiment_id": "e1"}] if self.looks > self.hidden else []}
            case ["runs"]:
                return 200, {"runs": [run for run in self.runs if not wanted or run["display_name"] in wanted]}
            case ["runs", run] if not any(item["run_id"] == run for item in self.runs):
                return 404, {"code": 5, "message": f"Failed to get a run: ResourceNotFoundError: Run {run} not found"}
            case ["runs", _] if path.startswith("/apis/v1beta1") and self.page:
                return 200, self.page
            case ["runs", run] if path.startswith("/apis/v1beta1"):
                return 200, {"run": {"id": run}, "pipeline_runtime": {"workflow_manifest": json.dumps(self.workflow)}}
            case ["runs", run]:
                return 200, next(item for item in self.runs if item["run_id"] == run)
            case ["runs", run, "nodes", pod, "log"]:
                return 200, self.logs.get(pod) or {"error_message": f"BadRequestError: Failed to read logs for run {run}"}
        return 404, {"code": 5, "message": "Not Found"}

    def post(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        match path.strip("/").split("/")[2:]:
            case ["pipelines"]:
                name = json.loads(body)["name"]
                self.pipelines[name] = []
                return 200, {"pipeline_id": name}
            case ["pipelines", "upload_version"]:
                self.pipelines[query["pipelineid"]].append(query["name"])
                self.tags[query["name"]] = json.loads(query["tags"])
                return 200, {"pipeline_id": query["pipelineid"], "pipeline_version_id": query["name"]}
            case ["experiments"]:
                return 409, {"code": 6, "message": "Already exist error: Failed to create a new experiment"}
            case ["runs"]:
                run = {
                    **json.loads(body),
                    "run_id": f"run-{len(self.runs) + 1}",
                    "created_at": WHEN,
                    "finished_at": "1970-01-01T00:00:00Z",
                }
                self.runs.append(run)
                return 200, run
        return 404, {"code": 5, "message": "Not Found"}


@contextmanager
def serving(kubeflow: Kubeflow) -> Iterator[str]:
    """Its address."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kubeflow.asked.append((self.command, url.path, self.headers.get("Authorization", "")))
            if kubeflow.refuses:
                status, content = kubeflow.refuses, {"message": "somebody's reason"}
            elif self.command == "GET":
                status, content = kubeflow.get(url.path, query)
            else:
                status, content = kubeflow.post(url.path, query, body)
            sent = content.encode() if isinstance(content, str) else json.dumps(content, separators=(",", ":")).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if isinstance(content, str) else "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
