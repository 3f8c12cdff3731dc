"""Who may open a connection to whom, by the NetworkPolicies of rendered charts, as a CNI that enforces them decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True)
class At:
    """A pod: its namespace, labels, and its ports' names."""

    namespace: str
    labels: dict[str, str]
    ports: dict[str, int]


def allowed(policies: list[Document], source: At, target: At, port: int, home: str) -> bool:
    """Whether the source may open a connection to that port of the target.

    https://kubernetes.io/docs/concepts/services-networking/network-policies/: a pod that no policy selects is open; one that some
    select lets in what any of them allows. Egress is nobody's here. `home` is the namespace of policies that name none.
    """
    here = [
        policy["spec"]
        for policy in policies
        if policy["metadata"].get("namespace", home) == target.namespace and selects(policy["spec"]["podSelector"], target.labels)
    ]
    assert all(spec["policyTypes"] == ["Ingress"] for spec in here)
    rules = [rule for spec in here for rule in spec.get("ingress") or []]
    return not here or any(_on(rule, target, port) and _from(rule, source, target.namespace) for rule in rules)


def selects(selector: Document, labels: dict[str, str]) -> bool:
    """Whether a label selector takes these labels."""
    assert set(selector) <= {"matchLabels", "matchExpressions"}
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        _fits(expression, labels) for expression in selector.get("matchExpressions", [])
    )


def _fits(expression: Document, labels: dict[str, str]) -> bool:
    key, operator = expression["key"], expression["operator"]
    if operator == "Exists":
        return key in labels
    assert operator == "In"
    return labels.get(key) in expression["values"]


def _on(rule: Document, target: At, port: int) -> bool:
    numbers = [target.ports.get(item["port"], item["port"]) for item in rule.get("ports", [])]
    return not numbers or port in numbers


def _from(rule: Document, source: At, namespace: str) -> bool:
    return "from" not in rule or any(_peer(peer, source, namespace) for peer in rule["from"])


def _peer(peer: Document, source: At, namespace: str) -> bool:
    if "namespaceSelector" in peer:
        near = selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": source.namespace})
    else:
        near = source.namespace == namespace
    return near and selects(peer.get("podSelector", {}), source.labels)
