"""A quota's scopes, as the API server reads them. Pure.

Sources: kubernetes.io/docs/concepts/policy/resource-quotas#quota-scopes;
``podMatchesScopeFunc`` of Kubernetes' quota evaluator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kfix.texts import say
from manifests.objects.resources import is_best_effort
from manifests.objects.selectors import matches
from manifests.objects.shapes import strict_mapping, strict_mappings
from schemas.base import Json


class Undecidable(ValueError):
    """Whether it matches depends on something that was not collected; the text says on what."""


def in_scope(
    quota_spec: Mapping[str, Any], pod: Mapping[str, Any], priority: Mapping[str, Json] | None
) -> bool:
    """Whether a quota counts pods of this spec. ``priority`` is the cluster's default class by ``name``, if collected.

    Raises Undecidable when it hangs on a default that is not known, ValueError for a scope that nobody knows.
    """
    expressions = strict_mappings(quota_spec, "scopeSelector", "matchExpressions")
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
        name = _class(pod, priority)
        entry = {"key": scope, "operator": operator, "values": list(values)}
        return matches({"matchExpressions": [entry]}, {scope: name} if name else {})
    if operator != "Exists":
        raise ValueError(f"scope {scope} knows no operator {operator}")
    if scope in ("Terminating", "NotTerminating"):
        return (pod.get("activeDeadlineSeconds") is not None) == (scope == "Terminating")
    if scope in ("BestEffort", "NotBestEffort"):
        return is_best_effort(pod) == (scope == "BestEffort")
    if scope == "CrossNamespacePodAffinity":
        return _crosses_namespaces(pod)
    raise ValueError(f"no scope of pods: {scope}")


def _class(pod: Mapping[str, Any], priority: Mapping[str, Json] | None) -> str:
    if pod.get("priorityClassName"):
        return str(pod["priorityClassName"])
    if priority is None:
        raise Undecidable(say("safety.quota.no_priority_classes"))
    return str(priority.get("name") or "")


def _crosses_namespaces(pod: Mapping[str, Any]) -> bool:
    terms = [
        term
        for kind in ("podAffinity", "podAntiAffinity")
        for term in _terms(strict_mapping(pod, "affinity", kind))
    ]
    return any(t.get("namespaces") or t.get("namespaceSelector") is not None for t in terms)


def _terms(affinity: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    preferred = strict_mappings(affinity, "preferredDuringSchedulingIgnoredDuringExecution")
    return [
        *strict_mappings(affinity, "requiredDuringSchedulingIgnoredDuringExecution"),
        *(strict_mapping(item, "podAffinityTerm") for item in preferred),
    ]
