"""Label selectors and a quota's scopes, as the API server reads them. Pure.

Sources: kubernetes.io/docs/concepts/overview/working-with-objects/labels and …/policy/resource-quotas#quota-scopes;
``podMatchesScopeFunc`` of Kubernetes' quota evaluator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kfix.texts import say
from schemas.base import Json


class Undecidable(ValueError):
    """Whether it matches depends on something that was not collected; the text says on what."""


def matches(selector: Mapping[str, Any], labels: Mapping[str, object]) -> bool:
    """Whether a label selector matches. An empty one matches everything. Raises ValueError for an unknown operator."""
    wanted: Mapping[str, Json] = selector.get("matchLabels") or {}
    if any(key not in labels or labels[key] != value for key, value in wanted.items()):
        return False
    return all(
        _holds(str(one["key"]), one.get("operator"), one.get("values") or (), labels)
        for one in selector.get("matchExpressions") or ()
    )


def _holds(
    key: str, operator: object, values: Iterable[Json], labels: Mapping[str, object]
) -> bool:
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return key not in labels or labels[key] not in values
    if operator in ("Exists", "DoesNotExist"):
        return (key in labels) == (operator == "Exists")
    raise ValueError(f"no operator of a selector: {operator}")


def in_scope(
    quota_spec: Mapping[str, Any], pod: Mapping[str, Any], priority: Mapping[str, Json] | None
) -> bool:
    """Whether a quota counts pods of this spec. ``priority`` is the cluster's default class by ``name``, if collected.

    Raises Undecidable when it hangs on a default that is not known, ValueError for a scope that nobody knows.
    """
    expressions = (quota_spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    asked = [
        *((str(scope), "Exists", ()) for scope in quota_spec.get("scopes") or ()),
        *((str(e["scopeName"]), e.get("operator"), e.get("values") or ()) for e in expressions),
    ]
    return all(_in_one(scope, operator, values, pod, priority) for scope, operator, values in asked)


def _in_one(
    scope: str,
    operator: object,
    values: Iterable[Json],
    pod: Mapping[str, Any],
    priority: Mapping[str, Json] | None,
) -> bool:
    if scope == "PriorityClass":
        return _holds(
            scope, operator, values, {scope: name} if (name := _class(pod, priority)) else {}
        )
    if operator != "Exists":
        raise ValueError(f"scope {scope} knows no operator {operator}")
    if scope in ("Terminating", "NotTerminating"):
        return (pod.get("activeDeadlineSeconds") is not None) == (scope == "Terminating")
    if scope in ("BestEffort", "NotBestEffort"):
        return _best_effort(pod) == (scope == "BestEffort")
    if scope == "CrossNamespacePodAffinity":
        return _crosses_namespaces(pod)
    raise ValueError(f"no scope of pods: {scope}")


def _class(pod: Mapping[str, Any], priority: Mapping[str, Json] | None) -> str:
    if pod.get("priorityClassName"):
        return str(pod["priorityClassName"])
    if priority is None:
        raise Undecidable(say("safety.quota.no_priority_classes"))
    return str(priority.get("name") or "")


def _best_effort(pod: Mapping[str, Any]) -> bool:
    """Quality of service looks at CPU and memory of all containers, and at the pod's own where it has some."""
    holders = [
        pod,
        *(c for kind in ("containers", "initContainers") for c in pod.get(kind) or ()),
    ]
    return not any(
        (holder.get("resources") or {}).get(kind, {}).get(name)
        for holder in holders
        for kind in ("requests", "limits")
        for name in ("cpu", "memory")
    )


def _crosses_namespaces(pod: Mapping[str, Any]) -> bool:
    affinity = pod.get("affinity") or {}
    terms = [
        term
        for kind in ("podAffinity", "podAntiAffinity")
        for term in _terms(affinity.get(kind) or {})
    ]
    return any(t.get("namespaces") or t.get("namespaceSelector") is not None for t in terms)


def _terms(affinity: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    return [
        *(affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ()),
        *(item.get("podAffinityTerm") or {} for item in preferred),
    ]
