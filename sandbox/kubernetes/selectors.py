"""Label and field selectors as query parameters carry them.

Source: kubernetes.io "Labels and Selectors" and "Field Selectors"; which fields a kind supports is in apiserver's
``pkg/apis/*/v1/conversion.go``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from manifests.objects import selectors
from manifests.objects.meta import labels_of
from sandbox.kubernetes.status import bad_request

Test = Callable[[dict[str, Any]], bool]

_FIELDS: dict[str, frozenset[str]] = {
    "pods": frozenset(
        {
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        }
    ),
    "events": frozenset(
        {
            *(
                f"involvedObject.{part}"
                for part in (
                    "kind",
                    "namespace",
                    "name",
                    "uid",
                    "apiVersion",
                    "resourceVersion",
                    "fieldPath",
                )
            ),
            "reason",
            "reportingComponent",
            "source",
            "type",
        }
    ),
    "nodes": frozenset({"spec.unschedulable"}),
    "namespaces": frozenset({"status.phase"}),
    "secrets": frozenset({"type"}),
    "replicasets": frozenset({"status.replicas"}),
    "replicationcontrollers": frozenset({"status.replicas"}),
    "jobs": frozenset({"status.successful"}),
}


def by_labels(text: str) -> Test:
    """A test of objects. Raises Refusal (400) for what is no label selector."""
    try:
        wanted = selectors.parse(text)
    except selectors.BadSelector as failure:
        raise bad_request(str(failure)) from None
    return lambda obj: all(selectors.requirement(labels_of(obj), entry) for entry in wanted)


def _value(obj: dict[str, Any], path: str) -> str:
    if path == "source":
        return str((obj.get("source") or {}).get("component", ""))
    node: Any = obj
    for part in path.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    if isinstance(node, bool):
        return str(node).lower()
    if node is None:
        return {"spec.unschedulable": "false", "spec.hostNetwork": "false"}.get(path, "")
    return str(node)


def by_fields(text: str, plural: str) -> Test:
    """A test of objects of one kind. Raises Refusal (400) for fields that the kind cannot be selected by."""
    allowed = {"metadata.name", "metadata.namespace"} | _FIELDS.get(plural, frozenset())
    wanted: list[tuple[str, bool, str]] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        match = re.fullmatch(r"([\w.]+)(==|=|!=)(.*)", part)
        if match is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        field, operator, value = match.groups()
        if field not in allowed:
            raise bad_request(f"field label not supported: {field}")
        wanted.append((field, operator == "!=", value))
    return lambda obj: all(
        (_value(obj, field) == value) != unlike for field, unlike, value in wanted
    )
