"""What containers and pods ask for and may use, exact, as scheduler and quota count it. Strict: for checks.

Source: k8s.io/component-helpers ``resource/helpers.go`` (PodRequests, PodLimits); defaults as
``pkg/apis/core/v1/defaults.go`` of Kubernetes 1.37 fills them in; KEP-753 (sidecars) and KEP-2837 (pod-level resources).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

from manifests.objects import quantities
from manifests.objects.pods import is_sidecar
from manifests.objects.shapes import Obj, strict_mapping, strict_mappings

Amounts = dict[str, Decimal]
Sort = Literal["requests", "limits"]
SORTS: tuple[Sort, ...] = ("requests", "limits")
#: What a quota may name without saying whether it means requests.
COMPUTE = ("cpu", "memory", "ephemeral-storage")
_ZERO = Decimal(0)
_POD_LEVEL = ("cpu", "memory")


def amounts(holder: Obj, sort: Sort) -> Amounts:
    """A container's ``requests`` or ``limits``. A missing request is its limit. Raises BadQuantity, Misshapen."""
    limits = _read(holder, "limits")
    return limits if sort == "limits" else {**limits, **_read(holder, "requests")}


def _read(holder: Obj, sort: Sort) -> Amounts:
    said = strict_mapping(holder, "resources", sort)
    return {name: quantities.parse(value) for name, value in said.items()}


def per_pod(spec: Obj, sort: Sort) -> Amounts:
    """A pod's ``requests`` or ``limits`` by its spec.

    The containers and the init containers that go on running together, or the moment of the largest init container
    with those started before it; then the pod's own figures where it has some, and its overhead: on every request, and
    on limits that are there. Raises BadQuantity, Misshapen.
    """
    found = _of_containers(spec, sort) | pod_level(spec, sort)
    overhead = strict_mapping(spec, "overhead")
    for name, value in overhead.items():
        if sort == "requests" or found.get(name):
            found[name] = found.get(name, _ZERO) + quantities.parse(value)
    return found


def counted(spec: Obj) -> Amounts:
    """One pod as a quota counts it, under all the names that quotas know. Raises BadQuantity, Misshapen.

    ``cpu`` in a quota means ``requests.cpu``: kubernetes.io/docs/concepts/policy/resource-quotas.
    """
    found: Amounts = {"pods": Decimal(1), "count/pods": Decimal(1)}
    for name, amount in per_pod(spec, "requests").items():
        found[f"requests.{name}"] = amount
        if name in COMPUTE:
            found[name] = amount
    for name, amount in per_pod(spec, "limits").items():
        found[f"limits.{name}"] = amount
    return found


def _of_containers(spec: Obj, sort: Sort) -> Amounts:
    running: Amounts = {}
    peak: Amounts = {}
    for container in strict_mappings(spec, "initContainers"):
        own = amounts(container, sort)
        if is_sidecar(container):
            _add(running, own)
            _raise(peak, running)
        else:
            _raise(peak, {n: amount + running.get(n, _ZERO) for n, amount in own.items()})
    for container in strict_mappings(spec, "containers"):
        _add(running, amounts(container, sort))
    _raise(running, peak)
    return running


def pod_level(spec: Obj, sort: Sort) -> Amounts:
    """A pod's own ``requests`` or ``limits``, of the resources that a pod may have of its own.

    A request that it does not say is what its containers ask for together, else its limit; only where it has a limit
    of anything. Raises BadQuantity, Misshapen.
    """
    limits, requests = _read(spec, "limits"), _read(spec, "requests")
    if sort == "limits":
        return _own(limits)
    if limits:
        asked = _of_containers(spec, "requests")
        spread = {n: amount for n, amount in asked.items() if not n.startswith("hugepages-")}
        requests = {**limits, **spread, **requests}
    return _own(requests)


def _own(found: Amounts) -> Amounts:
    return {n: a for n, a in found.items() if n in _POD_LEVEL or n.startswith("hugepages-")}


def is_best_effort(spec: Obj) -> bool:
    """Quality of service: nobody in the pod says anything about CPU or memory. A zero says nothing.

    Source: kubernetes.io/docs/concepts/workloads/pods/pod-qos; ``ComputePodQOS``. Raises BadQuantity, Misshapen.
    """
    containers: Iterable[Obj] = (
        *strict_mappings(spec, "containers"),
        *strict_mappings(spec, "initContainers"),
    )
    return not any(
        _read(holder, sort).get(name)
        for holder in (spec, *containers)
        for sort in SORTS
        for name in ("cpu", "memory")
    )


def _add(total: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, _ZERO) + amount


def _raise(total: Amounts, least: Amounts) -> None:
    for name, amount in least.items():
        total[name] = max(total.get(name, _ZERO), amount)
