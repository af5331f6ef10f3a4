"""Faults that stand in the cluster alone: where the repository declares something else at the very place, it is well.

Changing the repository would then repair nothing; applying it again does. Pure.
"""

from __future__ import annotations

from decide.core.families.probes.rules import handler
from decide.core.findings import Finding
from decide.core.objects import Container, Obj, Workload, at, mapping, number
from decide.core.view import ClusterView

#: Where in a pod spec a class has its fault.
_PLACES: dict[str, tuple[str, ...]] = {
    "taint_not_tolerated": ("nodeSelector", "tolerations", "affinity"),
    "node_selector_mismatch": ("nodeSelector",),
    "node_affinity_mismatch": ("affinity",),
    "pod_affinity_mismatch": ("affinity",),
    "pod_anti_affinity_conflict": ("affinity",),
    "topology_spread_unsatisfied": ("topologySpreadConstraints",),
    "scheduler_unknown": ("schedulerName",),
    "priority_class_missing": ("priorityClassName",),
    "runtime_class_missing": ("runtimeClassName",),
    "dns_config_broken": ("dnsPolicy", "dnsConfig"),
    "missing_service_account": ("serviceAccountName",),
}
#: What the API server fills in where nothing is stated.
_DEFAULTS = {
    "schedulerName": "default-scheduler",
    "dnsPolicy": "ClusterFirst",
    "serviceAccountName": "default",
}
_TIMES = {"initialDelaySeconds": 0, "periodSeconds": 10, "failureThreshold": 3, "timeoutSeconds": 1}


def drifted(finding: Finding, view: ClusterView) -> bool:
    """The workload's declared twin does not have this fault."""
    workload = finding.facts.get("workload")
    if not isinstance(workload, Workload):
        return False
    declared = view.declared.get((workload.kind, workload.namespace, workload.name))
    if declared is None:
        return False
    twin = Workload(workload.kind, declared)
    places = _PLACES.get(finding.failure_class)
    if places is not None:
        return any(_stated(twin.spec, p) != _stated(workload.spec, p) for p in places)
    if "_probe_" in finding.failure_class:
        return _probe(finding, workload, twin)
    if finding.failure_class == "autoscaler_without_metrics":
        return _requests(finding, workload, twin)
    return False


def _stated(spec: Obj, place: str) -> object:
    return spec.get(place) or _DEFAULTS.get(place)


def _twin(container: str, workload: Workload) -> Container | None:
    return next((c for c in workload.containers(init=True) if c.name == container), None)


def _probe(finding: Finding, workload: Workload, twin: Workload) -> bool:
    name, which = str(finding.facts.get("container")), f"{finding.facts.get('probe')}Probe"
    here, there = _twin(name, workload), _twin(name, twin)
    if here is None or there is None:
        return False
    what = finding.failure_class.rpartition("_")[2]
    one, two = (_facet(mapping(c.spec.get(which)), what) for c in (here, there))
    return one != two


def _facet(probe: Obj, what: str) -> object:
    if not probe:
        return None
    kind, port = handler(probe)
    if what == "timing":
        return tuple(number(probe.get(key), default) for key, default in _TIMES.items())
    return {"port": port, "protocol": kind, "path": at(probe, "httpGet", "path") or "/"}[what]


def _requests(finding: Finding, workload: Workload, twin: Workload) -> bool:
    resource = str(finding.facts.get("resource") or "cpu")
    for container in workload.containers():
        there = _twin(container.name, twin)
        lacks = at(container.spec, "resources", "requests", resource) is None
        if lacks and there is not None and at(there.spec, "resources", "requests", resource):
            return True
    return False
