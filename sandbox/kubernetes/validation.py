"""What the schema cannot say: required values, requests against limits, selectors, immutable fields. Pure.

Source: apiserver's ``pkg/apis/{core,apps,autoscaling,batch}/validation``; messages as v1.37 words them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from manifests.objects import quantities
from sandbox.kubernetes.status import Flaw

Object = dict[str, Any]
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN_SAYS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start"
    " and end with an alphanumeric character (e.g. 'example.com', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_WITH_TEMPLATE = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"}
_WITH_SELECTOR = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"}
_STATEFULSET_MUTABLE = {
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
}


def _required(field: str, more: str = "") -> Flaw:
    return Flaw(field, "FieldValueRequired", f"Required value{': ' + more if more else ''}")


def _bad(field: str, value: Any, why: str) -> Flaw:
    shown = json.dumps(value, separators=(",", ":"))
    return Flaw(field, "FieldValueInvalid", f"Invalid value: {shown}: {why}")


def pod_spec(obj: Object) -> tuple[str, Object] | None:
    """Path and content of the pod spec an object holds; ``None`` when it holds none."""
    kind, spec = obj.get("kind"), obj.get("spec") or {}
    if kind == "Pod":
        return "spec", spec
    if kind in _WITH_TEMPLATE:
        return "spec.template.spec", (spec.get("template") or {}).get("spec") or {}
    if kind == "CronJob":
        job = (spec.get("jobTemplate") or {}).get("spec") or {}
        return "spec.jobTemplate.spec.template.spec", (job.get("template") or {}).get("spec") or {}
    return None


def unreadable_quantity(obj: Object) -> str:
    """The first resource value that is no quantity, empty when all are."""
    held = pod_spec(obj)
    if held is None:
        return ""
    for container in _containers(held[1]):
        resources = container[1].get("resources") or {}
        for part in ("limits", "requests"):
            for value in (resources.get(part) or {}).values():
                try:
                    quantities.parse(value)
                except quantities.BadQuantity:
                    return str(value)
    return ""


def _containers(spec: Object) -> Iterator[tuple[str, Object]]:
    for part in ("initContainers", "containers"):
        for at, container in enumerate(spec.get(part) or []):
            yield f"{part}[{at}]", container


def _resources(path: str, container: Object) -> Iterator[Flaw]:
    resources = container.get("resources") or {}
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for part, values in (("limits", limits), ("requests", requests)):
        for name, value in values.items():
            if quantities.parse(value) < 0:
                where = f"{path}.resources.{part}[{name}]"
                yield _bad(where, str(value), "must be greater than or equal to 0")
    for name, value in requests.items():
        limit = limits.get(name)
        if limit is not None and quantities.parse(value) > quantities.parse(limit):
            why = f"must be less than or equal to {name} limit of {limit}"
            yield _bad(f"{path}.resources.requests", str(value), why)


def _ports(path: str, container: Object) -> Iterator[Flaw]:
    for at, port in enumerate(container.get("ports") or []):
        number = port.get("containerPort")
        if not isinstance(number, int) or not 1 <= number <= 65535:
            where = f"{path}.ports[{at}].containerPort"
            yield _bad(where, number, "must be between 1 and 65535, inclusive")


def _env(path: str, container: Object) -> Iterator[Flaw]:
    for at, entry in enumerate(container.get("env") or []):
        if not entry.get("name"):
            yield _required(f"{path}.env[{at}].name")
        if entry.get("value") and entry.get("valueFrom"):
            where = f"{path}.env[{at}].valueFrom"
            yield _bad(where, "", "may not be specified when `value` is not empty")


def _pod(path: str, spec: Object) -> Iterator[Flaw]:
    if not spec.get("containers"):
        yield _required(f"{path}.containers")
    seen: set[str] = set()
    volumes = {volume.get("name") for volume in spec.get("volumes") or []}
    for where, container in _containers(spec):
        at = f"{path}.{where}"
        name = str(container.get("name") or "")
        if not name:
            yield _required(f"{at}.name")
        elif not _LABEL.fullmatch(name) or len(name) > 63:
            yield _bad(f"{at}.name", name, "a lowercase RFC 1123 label must consist of …")
        elif name in seen:
            yield Flaw(f"{at}.name", "FieldValueDuplicate", f'Duplicate value: "{name}"')
        seen.add(name)
        if not container.get("image"):
            yield _required(f"{at}.image")
        yield from _resources(at, container)
        yield from _ports(at, container)
        yield from _env(at, container)
        for index, mount in enumerate(container.get("volumeMounts") or []):
            if mount.get("name") not in volumes:
                field = f"{at}.volumeMounts[{index}].name"
                yield Flaw(field, "FieldValueNotFound", f'Not found: "{mount.get("name")}"')


def _selector(obj: Object) -> Iterator[Flaw]:
    spec = obj.get("spec") or {}
    wanted = (spec.get("selector") or {}).get("matchLabels") or {}
    expressions = (spec.get("selector") or {}).get("matchExpressions")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if not wanted and not expressions:
        yield _required("spec.selector")
    elif any(labels.get(key) != value for key, value in wanted.items()):
        why = "`selector` does not match template `labels`"
        yield _bad("spec.template.metadata.labels", labels, why)


def _autoscaler(spec: Object) -> Iterator[Flaw]:
    low, high = spec.get("minReplicas", 1), spec.get("maxReplicas")
    if low is not None and low < 1:
        yield _bad("spec.minReplicas", low, "must be greater than or equal to 1")
    if not isinstance(high, int) or high < 1:
        yield _bad("spec.maxReplicas", high or 0, "must be greater than 0")
    elif low is not None and high < low:
        yield _bad("spec.maxReplicas", high, "must be greater than or equal to `minReplicas`")


def flaws(obj: Object) -> list[Flaw]:
    """All flaws of an object by itself, in the server's order."""
    found: list[Flaw] = []
    name = str(obj["metadata"].get("name") or "")
    if not name:
        found.append(_required("metadata.name", "name or generateName is required"))
    elif not _SUBDOMAIN.fullmatch(name) or len(name) > 253:
        found.append(_bad("metadata.name", name, _SUBDOMAIN_SAYS))
    spec = obj.get("spec") or {}
    replicas = spec.get("replicas")
    if isinstance(replicas, int) and replicas < 0:
        found.append(_bad("spec.replicas", replicas, "must be greater than or equal to 0"))
    if obj["kind"] in _WITH_SELECTOR:
        found += _selector(obj)
    held = pod_spec(obj)
    if held is not None:
        found += _pod(*held)
    if obj["kind"] == "HorizontalPodAutoscaler":
        found += _autoscaler(spec)
    return found


def _frozen(field: str, value: Any) -> Flaw:
    return _bad(field, value, "field is immutable")


def changes(old: Object, new: Object) -> list[Flaw]:
    """Flaws of an update: fields that must not change."""
    kind = new["kind"]
    before, after = old.get("spec") or {}, new.get("spec") or {}
    if kind in ("Deployment", "DaemonSet", "ReplicaSet") and before.get("selector") != after.get(
        "selector"
    ):
        return [_frozen("spec.selector", after.get("selector"))]
    if kind == "Job" and before.get("template") != after.get("template"):
        return [_frozen("spec.template", {})]
    if kind == "StatefulSet" and any(
        before.get(key) != after.get(key)
        for key in (before.keys() | after.keys()) - _STATEFULSET_MUTABLE
    ):
        listed = (
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template',"
            " 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and"
            " 'minReadySeconds' are forbidden"
        )
        return [Flaw("spec", "FieldValueForbidden", f"Forbidden: {listed}")]
    if kind == "Pod" and _fixed_part(before) != _fixed_part(after):
        listed = (
            "pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to"
            " existing tolerations),`spec.terminationGracePeriodSeconds`"
        )
        return [Flaw("spec", "FieldValueForbidden", f"Forbidden: {listed}")]
    if kind == "PersistentVolumeClaim" and _storage(after) < _storage(before):
        field = "spec.resources.requests.storage"
        why = "field can not be less than status.capacity"
        return [Flaw(field, "FieldValueForbidden", f"Forbidden: {why}")]
    return []


def _fixed_part(spec: Object) -> Object:
    free = {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName"}
    out = {key: value for key, value in spec.items() if key not in free}
    for part in ("containers", "initContainers"):
        if part in out:
            out[part] = [{k: v for k, v in c.items() if k != "image"} for c in out[part]]
    return out


def _storage(spec: Object) -> Decimal:
    requests = (spec.get("resources") or {}).get("requests") or {}
    return quantities.parse(requests.get("storage", 0))
