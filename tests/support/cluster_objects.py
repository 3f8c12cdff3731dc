"""A namespace of its own on a real API server, for the adapters that work on one; only where RATCHET_TEST_CLUSTER=1 is set.

The cluster is that of the kubeconfig's current context, whose user has to be an administrator. The cases need no node: what they
are about is patches, preconditions, rights and Leases.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kubernetes import client

from ratchet.clients.kubernetes import KubernetesApi
from ratchet.core.errors import UserError
from tests.support.rollout_harness import until

CLUSTER = os.environ.get("RATCHET_TEST_CLUSTER", "")
SERVING, LEASE = "ratchet-serving", "ratchet-promotion"


@dataclass(frozen=True)
class Objects:
    """A Deployment without pods, a Lease without a spec, and the promoter's account with the chart's rights."""

    namespace: str

    def api(self, account: str = "") -> KubernetesApi:
        """The API as an administrator, or as a service account of the namespace."""
        api = KubernetesApi.load(self.namespace)
        if account:
            self.client(api).set_default_header("Impersonate-User", f"system:serviceaccount:{self.namespace}:{account}")
        return api

    @staticmethod
    def client(api: KubernetesApi) -> Any:
        """The vendor's client below."""
        return api._api  # noqa: SLF001 - for what the adapter must not do: make objects, be somebody else

    @property
    def admin(self) -> Any:
        return self.client(self.api())

    def deployment(self, patch: dict[str, Any]) -> None:
        client.AppsV1Api(self.admin).patch_namespaced_deployment(SERVING, self.namespace, patch)

    def lease(self, spec: dict[str, Any] | None) -> None:
        """Replace the Lease's spec."""
        leases = client.CoordinationV1Api(self.admin)
        leases.patch_namespaced_lease(LEASE, self.namespace, [{"op": "add", "path": "/spec", "value": spec or {}}])

    def holder(self) -> str | None:
        found = client.CoordinationV1Api(self.admin).read_namespaced_lease(LEASE, self.namespace)
        return found.spec.holder_identity if found.spec else None


@contextmanager
def fresh_namespace() -> Iterator[Objects]:
    """The objects in a new namespace, gone afterwards."""
    objects = Objects(f"ratchet-test-{uuid.uuid4().hex[:12]}")
    core, rights = client.CoreV1Api(objects.admin), client.RbacAuthorizationV1Api(objects.admin)
    core.create_namespace({"metadata": {"name": objects.namespace}})
    try:
        labels = {"app": "serving"}
        client.AppsV1Api(objects.admin).create_namespaced_deployment(
            objects.namespace,
            {
                "metadata": {"name": SERVING},
                "spec": {
                    "replicas": 0,
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "serving", "image": "none"}]}},
                },
            },
        )
        client.CoordinationV1Api(objects.admin).create_namespaced_lease(objects.namespace, {"metadata": {"name": LEASE}})
        rights.create_namespaced_role(
            objects.namespace,
            {
                "metadata": {"name": "promoter"},
                "rules": [
                    {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": [SERVING], "verbs": ["get", "patch"]},
                    {
                        "apiGroups": ["coordination.k8s.io"],
                        "resources": ["leases"],
                        "resourceNames": [LEASE],
                        "verbs": ["get", "update", "patch"],
                    },
                    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
                ],
            },
        )
        rights.create_namespaced_role_binding(
            objects.namespace,
            {
                "metadata": {"name": "promoter"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "promoter"},
                "subjects": [{"kind": "ServiceAccount", "name": "promoter", "namespace": objects.namespace}],
            },
        )
        until(lambda: _granted(objects), bool, 30)  # the server learns of a new binding a moment later
        yield objects
    finally:
        core.delete_namespace(objects.namespace)


def _granted(objects: Objects) -> bool:
    try:
        objects.api("promoter").pods("none=none")
    except UserError:
        return False
    return True
