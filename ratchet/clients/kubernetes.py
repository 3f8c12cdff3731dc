"""The cluster's API as the rollout and the lock need it: JSON objects of one namespace, errors as sentences.

Objects stay the JSON that the server sent: the client's models drop fields that they do not know yet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
from kubernetes import client, config
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from ratchet.clients.http import Reply
from ratchet.clients.secrets import scrubbed
from ratchet.core.address import place_of
from ratchet.core.errors import RatchetError, Unavailable, UserError

_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_CONNECT_SECONDS, _READ_SECONDS = 3.0, 10.0
_MERGE_PATCH = "application/strategic-merge-patch+json"
_BAD_REQUEST, _BROKEN = 400, 500  # from these on a status is an error's, and the server's own
_LATER = {408, 425, 429}  # timeout, too early, too many requests
_CERTIFICATE = re.compile(r"CERTIFICATE_VERIFY_FAILED|WRONG_VERSION_NUMBER|doesn't match", re.IGNORECASE)

Json = dict[str, Any]


class Conflict(Unavailable):
    """The object has changed since it was read: read it again and judge anew."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object; `hint` says what to do when one is not there."""

    kind: str
    group: str
    plural: str
    hint: str


DEPLOYMENT = Resource(
    "Deployment", "apis/apps/v1", "deployments", "install the chart, or set RATCHET_DEPLOYMENT and RATCHET_NAMESPACE"
)
POD = Resource("Pod", "api/v1", "pods", "look again")
SERVICE = Resource("Service", "api/v1", "services", "install the chart, or set RATCHET_SERVING_URL")
LEASE = Resource("Lease", "apis/coordination.k8s.io/v1", "leases", "`helm upgrade` creates it")


class KubernetesApi:
    """Objects of one namespace. `KubernetesApi.load` finds the cluster.

    Every method raises Unavailable when the API server does not answer, Conflict when a precondition failed, and UserError when
    a right is missing, the object is not there or the server refuses what was asked.

    Args:
        api: the client with address and credentials.
        namespace: where the objects are.
        inside: whether this process runs in the cluster, so that it reaches pods and Services by their own addresses.
    """

    def __init__(self, api: Any, namespace: str, *, inside: bool) -> None:
        self._api, self.namespace, self.inside = api, namespace, inside

    @classmethod
    def load(cls, namespace: str = "") -> KubernetesApi:
        """The cluster that this pod runs in, else that of the kubeconfig's current context.

        Without `namespace` it is the pod's own or the context's. Raises UserError when there is neither pod nor kubeconfig.
        """
        configuration = client.Configuration()
        configuration.retries = False  # tries are ours: the library's own would make a short time limit four times as long
        try:
            config.load_incluster_config(client_configuration=configuration)
            own, inside = _own_namespace(), True
        except config.ConfigException:
            own, inside = _load_kubeconfig(configuration), False
        return cls(client.ApiClient(configuration), namespace or own, inside=inside)

    def read(self, resource: Resource, name: str) -> Json:
        """One object; three tries."""
        return self._patient("GET", resource, name)

    def pods(self, selector: str) -> list[Json]:
        """The pods with these labels; three tries."""
        items: list[Json] = self._patient("GET", POD, query={"labelSelector": selector})["items"]
        return items

    def patch(self, resource: Resource, name: str, body: Mapping[str, Any]) -> Json:
        """Strategic merge patch; one try: after a lost answer only its author can tell whether it took effect."""
        return self._object("PATCH", resource, name, body=body, content_type=_MERGE_PATCH)

    def replace(self, resource: Resource, name: str, body: Mapping[str, Any]) -> Json:
        """Replace the object, if it still has the body's resourceVersion; one try, as `patch`."""
        return self._object("PUT", resource, name, body=body)

    def proxied(
        self,
        resource: Resource,
        name: str,
        port: str,
        path: str,
        *,
        body: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Ask a pod or a Service through the API server: GET, or POST when there is a body. An error that it answers is a Reply."""
        method = "GET" if body is None else "POST"
        where = f"{self._path(resource, f'{name}:{port}')}/proxy{path}"
        reply = self._send(method, where, f"ask {resource.kind} {name}", body, headers or {})
        refusal = _status_object(reply)
        if refusal is not None:  # the API server speaks, not the pod
            raise self._error(reply.status, refusal, "ask", resource, name)
        return reply

    def _patient(self, method: str, resource: Resource, name: str = "", query: Mapping[str, str] | None = None) -> Json:
        tries = Retrying(retry=retry_if_exception_type(Unavailable), stop=stop_after_attempt(3), wait=wait_fixed(0.5), reraise=True)
        return tries(self._object, method, resource, name, query=query)

    def _object(
        self,
        method: str,
        resource: Resource,
        name: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> Json:
        path = self._path(resource, name) + (f"?{urlencode(query)}" if query else "")
        verb = {"GET": "read", "PATCH": "patch", "PUT": "update"}[method]
        reply = self._send(method, path, f"{verb} {resource.kind} {name}".strip(), body, {"Content-Type": content_type})
        try:
            found: Json = json.loads(reply.content)
        except ValueError as error:
            message = f"{self._host} is no Kubernetes API server: it answered {reply.status} without an object"
            raise Unavailable(message) from error
        if reply.status >= _BAD_REQUEST:
            raise self._error(reply.status, found, verb, resource, name)
        return found

    def _send(self, method: str, path: str, what: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]) -> Reply:
        try:
            answer = self._api.call_api(
                f"/{path}",
                method,
                header_params={"Accept": "application/json", "Content-Type": "application/json", **headers},
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=(_CONNECT_SECONDS, _READ_SECONDS),
            )
        except client.ApiException as error:
            if not error.status:  # the library's way to tell of a broken TLS connection
                said = scrubbed(_first_line(error.reason), str(self._api.configuration.host))
                if _CERTIFICATE.search(said):
                    message = (
                        f"the certificate of the Kubernetes API server {self._host} is not accepted: {said}; check the kubeconfig"
                    )
                    raise UserError(message) from error
                message = f"the Kubernetes API server {self._host} cannot be reached to {what}: {said}"
                raise Unavailable(message) from error
            named = {name.lower(): value for name, value in (error.headers or {}).items()}
            return Reply(error.status, error.body or b"", named)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            message = f"the Kubernetes API server {self._host} cannot be reached to {what} ({type(error).__name__}): try again"
            raise Unavailable(message) from error
        return Reply(answer.status, answer.data, {name.lower(): value for name, value in answer.headers.items()})

    def _path(self, resource: Resource, name: str) -> str:
        path = f"{resource.group}/namespaces/{quote(self.namespace)}/{resource.plural}"
        return f"{path}/{quote(name)}" if name else path

    @property
    def _host(self) -> str:
        return place_of(str(self._api.configuration.host))

    def _error(self, status: int, refusal: Json, verb: str, resource: Resource, name: str) -> RatchetError:
        said = str(refusal.get("message") or f"status {status}")
        what = f"{resource.kind} {name}".strip()
        match status:
            case 401:
                return UserError(f"the Kubernetes API server {self._host} does not accept our credentials: log in again")
            case 403:
                return UserError(
                    f"the right to {verb} {what} in namespace {self.namespace} is missing, the chart's Role grants it: {said}"
                )
            case 404:
                return UserError(f"there is no {what} in namespace {self.namespace}: {resource.hint}")
            case 409:
                return Conflict(f"{what} in namespace {self.namespace} is being changed by somebody else: try again")
            case _ if status < _BROKEN and status not in _LATER:
                return UserError(f"the Kubernetes API server refuses to {verb} {what} in namespace {self.namespace}: {said}")
            case _:
                return Unavailable(f"the Kubernetes API server could not {verb} {what} in namespace {self.namespace}: {said}")


def selector_of(deployment: Json) -> str:
    """A Deployment's selector as the API's query wants it."""
    selector = deployment["spec"]["selector"]
    terms = [f"{name}={value}" for name, value in sorted(selector.get("matchLabels", {}).items())]
    for term in selector.get("matchExpressions", []):
        values = ",".join(term.get("values", []))
        match term["operator"]:
            case "In":
                terms.append(f"{term['key']} in ({values})")
            case "NotIn":
                terms.append(f"{term['key']} notin ({values})")
            case "Exists":
                terms.append(term["key"])
            case _:
                terms.append(f"!{term['key']}")
    return ",".join(terms)


def _own_namespace() -> str:
    try:
        return _POD_NAMESPACE.read_text(encoding="utf-8").strip()
    except OSError:
        return "default"


def _load_kubeconfig(configuration: Any) -> str:
    """Fill `configuration`; returns the current context's namespace."""
    try:
        config.load_kube_config(client_configuration=configuration)
        _, active = config.list_kube_config_contexts()
    except (config.ConfigException, OSError) as error:
        message = (
            f"RATCHET_DEPLOYMENT is set, but no cluster is known here ({_first_line(error)}): "
            "set KUBECONFIG, or unset RATCHET_DEPLOYMENT"
        )
        raise UserError(message) from error
    return str(active["context"].get("namespace") or "default")


def _status_object(reply: Reply) -> Json | None:
    if reply.status < _BAD_REQUEST:
        return None
    try:
        content = json.loads(reply.content)
    except ValueError:
        return None
    return content if isinstance(content, dict) and content.get("kind") == "Status" and "apiVersion" in content else None


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__
