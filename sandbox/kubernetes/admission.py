"""What admission does to a new pod: LimitRange defaults and bounds, then ResourceQuota. Pure; messages as v1.37.

Source: apiserver's ``plugin/pkg/admission/limitranger`` and ``pkg/quota/v1/evaluator/core``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from manifests.objects import quantities

Object = dict[str, Any]
_COMPUTE = ("cpu", "memory", "ephemeral-storage")


def _parse(values: Mapping[str, Any]) -> dict[str, Decimal]:
    return {name: quantities.parse(value) for name, value in values.items()}


def default_requests(spec: Object) -> Object:
    """A pod spec whose missing requests are its limits, as decoding makes it."""
    out = copy.deepcopy(spec)
    for part in ("containers", "initContainers"):
        for container in out.get(part) or []:
            resources = container.get("resources") or {}
            if resources.get("limits"):
                requests = {**resources["limits"], **(resources.get("requests") or {})}
                container["resources"] = {**resources, "requests": requests}
    return out


def complete_range(item: Mapping[str, Any]) -> Object:
    """A LimitRange item with the defaults that the server fills in: max → default → defaultRequest, min last."""
    out = dict(item)
    if item.get("type") == "Container":
        out["default"] = {**(item.get("max") or {}), **(item.get("default") or {})}
        fallback = {**(item.get("min") or {}), **out["default"]}
        out["defaultRequest"] = {**fallback, **(item.get("defaultRequest") or {})}
        out = {key: value for key, value in out.items() if value}
    return out


def with_range_defaults(spec: Object, ranges: Iterable[Object]) -> Object:
    """The pod spec after LimitRanger's mutating half."""
    out = copy.deepcopy(spec)
    items = [i for r in ranges for i in r["spec"]["limits"] if i.get("type") == "Container"]
    for item in map(complete_range, items):
        for part in ("containers", "initContainers"):
            for container in out.get(part) or []:
                resources = container.setdefault("resources", {})
                for key, source in (("limits", "default"), ("requests", "defaultRequest")):
                    if item.get(source):
                        resources[key] = {**item[source], **(resources.get(key) or {})}
    return out


def _totals(spec: Object, part: str) -> dict[str, Decimal]:
    """Sum over containers, at least the largest init container. A resource counts when any container names it."""
    totals: dict[str, Decimal] = {}
    for container in spec.get("containers") or []:
        for name, value in _parse((container.get("resources") or {}).get(part) or {}).items():
            totals[name] = totals.get(name, Decimal(0)) + value
    for container in spec.get("initContainers") or []:
        for name, value in _parse((container.get("resources") or {}).get(part) or {}).items():
            if container.get("restartPolicy") == "Always":
                totals[name] = totals.get(name, Decimal(0)) + value
            else:
                totals[name] = max(totals.get(name, Decimal(0)), value)
    for name, value in _parse(spec.get("overhead") or {}).items():
        if name in totals:
            totals[name] += value
    return totals


def _bounds(item: Mapping[str, Any], limits: Object, requests: Object) -> Iterator[str]:
    of = f"per {item['type']}"
    limit, request = _parse(limits), _parse(requests)
    for name, low in sorted((item.get("min") or {}).items()):
        if name not in request:
            yield f"minimum {name} usage {of} is {low}.  No request is specified"
        elif request[name] < quantities.parse(low):
            yield f"minimum {name} usage {of} is {low}, but request is {requests[name]}"
        elif name in limit and limit[name] < quantities.parse(low):
            yield f"minimum {name} usage {of} is {low}, but limit is {limits[name]}"
    for name, high in sorted((item.get("max") or {}).items()):
        if name not in limit:
            yield f"maximum {name} usage {of} is {high}.  No limit is specified"
        elif limit[name] > quantities.parse(high):
            yield f"maximum {name} usage {of} is {high}, but limit is {limits[name]}"
        elif name in request and request[name] > quantities.parse(high):
            yield f"maximum {name} usage {of} is {high}, but request is {requests[name]}"
    for name, ratio in sorted((item.get("maxLimitRequestRatio") or {}).items()):
        if limit.get(name) and request.get(name):
            got = limit[name] / request[name]
            if got > quantities.parse(ratio):
                yield f"{name} max limit to request ratio {of} is {ratio}, but provided ratio is {got:.6f}"


def range_troubles(spec: Object, ranges: Iterable[Object]) -> list[str]:
    """What LimitRanger's validating half says."""
    said: list[str] = []
    for item in (complete_range(i) for r in ranges for i in r["spec"]["limits"]):
        if item.get("type") == "Container":
            for part in ("initContainers", "containers"):
                for container in spec.get(part) or []:
                    resources = container.get("resources") or {}
                    limits = resources.get("limits") or {}
                    said += _bounds(item, limits, resources.get("requests") or {})
        elif item.get("type") == "Pod":
            limits = {k: plain(v, k) for k, v in _totals(spec, "limits").items()}
            requests = {k: plain(v, k) for k, v in _totals(spec, "requests").items()}
            said += _bounds(item, limits, requests)
    return said


def usage(spec: Object) -> dict[str, Decimal]:
    """What a pod takes from a quota, by quota resource name."""
    requests, limits = _totals(spec, "requests"), _totals(spec, "limits")
    used = {"pods": Decimal(1), "count/pods": Decimal(1)}
    for name, value in requests.items():
        used[f"requests.{name}"] = value
        if name in _COMPUTE:
            used[name] = value
    for name, value in limits.items():
        used[f"limits.{name}"] = value
    return used


def in_scope(quota: Object, spec: Object) -> bool:
    """Whether a quota counts such a pod. ``PriorityClass`` and the four simple scopes; others count everything."""
    effort = bool(_totals(spec, "requests") or _totals(spec, "limits"))
    tests = {
        "BestEffort": not effort,
        "NotBestEffort": effort,
        "Terminating": spec.get("activeDeadlineSeconds") is not None,
        "NotTerminating": spec.get("activeDeadlineSeconds") is None,
    }
    declared = quota.get("spec") or {}
    if not all(tests.get(scope, True) for scope in declared.get("scopes") or ()):
        return False
    for wish in (declared.get("scopeSelector") or {}).get("matchExpressions") or ():
        if wish.get("scopeName") == "PriorityClass":
            name = spec.get("priorityClassName")
            inside = (
                name in (wish.get("values") or ())
                if wish["operator"] in ("In", "NotIn")
                else bool(name)
            )
            if inside == (wish["operator"] in ("NotIn", "DoesNotExist")):
                return False
    return True


def plain(value: Decimal, name: str) -> str:
    """A number as quotas show it."""
    if name.endswith("cpu"):
        return quantities.format_cpu(value)
    if name.endswith(("memory", "storage")):
        for suffix, size in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
            if value and value % size == 0:
                return f"{int(value / size)}{suffix}"
    return f"{value.normalize():f}"


def _unspecified(quota: Object, spec: Object) -> str:
    missing: list[str] = []
    for name in sorted((quota.get("spec") or {}).get("hard") or {}):
        kind, _, resource = name.rpartition(".")
        part = "limits" if kind == "limits" else "requests"
        if resource not in _COMPUTE and name not in _COMPUTE:
            continue
        lacking = [
            str(container.get("name"))
            for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ()))
            if (resource or name) not in ((container.get("resources") or {}).get(part) or {})
        ]
        if lacking:
            missing.append(f"{name} for: {','.join(sorted(set(lacking)))}")
    return "; ".join(missing)


def quota_trouble(quota: Object, spec: Object) -> str:
    """Why a quota has no room for the pod; empty when it has. Reads ``status``, as the server does."""
    status = quota.get("status") or {}
    hard = status.get("hard") or {}
    if not hard or not in_scope(quota, spec):
        return ""
    name = quota["metadata"]["name"]
    if lacking := _unspecified(quota, spec):
        return f"failed quota: {name}: must specify {lacking}"
    used, wanted = _parse(status.get("used") or {}), usage(spec)
    over = [
        key
        for key in sorted(hard)
        if key in wanted and used.get(key, Decimal(0)) + wanted[key] > quantities.parse(hard[key])
    ]
    if not over:
        return ""
    requested = ",".join(f"{key}={plain(wanted[key], key)}" for key in over)
    taken = ",".join(f"{key}={plain(used.get(key, Decimal(0)), key)}" for key in over)
    limited = ",".join(f"{key}={hard[key]}" for key in over)
    return f"exceeded quota: {name}, requested: {requested}, used: {taken}, limited: {limited}"
