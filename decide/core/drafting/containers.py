"""What plans read of a container: its requests and limits, and where its values stand."""

from __future__ import annotations

from decimal import Decimal
from statistics import median

from decide.core import measure
from decide.core.drafting import sizing
from decide.core.drafting.heaps import heap_of
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.pods import Container
from manifests.objects.shapes import at, items, mapping
from manifests.objects.workloads import Workload


def container_of(workload: Workload, name: str) -> Container | None:
    """The container of the name, an init container too; else the workload's first."""
    found = workload.containers(init=True)
    plain = [c for c in found if not c.init]
    return next((c for c in found if c.name == name), plain[0] if plain else None)


def env_path(container: Container, name: str) -> str:
    """The path of a variable's value in the pod spec."""
    group = "initContainers" if container.init else "containers"
    return f":{group}[name={container.name}].env[name={name}].value"


def stated(container: Container, which: str, resource: str) -> float | None:
    """A container's request or limit in bytes or cores, ``None`` where it states none."""
    value = quantity(container, which, resource)
    return float(value) if value is not None else None


def scaled_by_itself(view: ClusterView, workload: Workload) -> bool:
    """An autoscaler owns the number of replicas."""
    return any(
        at(s, "spec", "scaleTargetRef", "name") == workload.name
        and at(s, "spec", "scaleTargetRef", "kind") == workload.kind
        for s in view.all("horizontalpodautoscalers")
    )


def quantity(container: Container, which: str, resource: str) -> Decimal | None:
    """A container's request or limit, ``None`` where it states none."""
    value = at(container.spec, "resources", which, resource)
    try:
        return quantities.parse(str(value)) if value is not None else None
    except quantities.BadQuantity:
        return None


def written(resource: str, value: Decimal) -> str:
    """A quantity as manifests write it."""
    if resource.endswith("cpu"):
        return quantities.format_cpu(value)
    return quantities.format_memory(value) if value > 2**20 else str(int(value))


def resource_word(resource: str) -> str:
    """What people call a resource; its name in manifests where it is neither CPU nor memory."""
    if resource not in ("cpu", "memory"):
        return resource
    return say("drafting.resource.cpu" if resource == "cpu" else "drafting.resource.memory")


def fitting(
    view: ClusterView, workload: Workload, container: Container, which: str, resource: str
) -> str | None:
    """A value for a request or limit that is not stated: from usage, its own other value, the LimitRange, neighbours."""
    size = _from_usage(view, workload, container, which, resource)
    if size is not None:
        return written(resource, size)
    other = quantity(container, "limits" if which == "requests" else "requests", resource)
    if other is not None:
        return written(resource, other)
    return _from_limit_range(view, workload.namespace, which, resource) or _from_neighbours(
        view, workload.namespace, which, resource
    )


def _from_usage(
    view: ClusterView, workload: Workload, container: Container, which: str, resource: str
) -> Decimal | None:
    """In cores or bytes; ``None`` where nothing measures it, or for too short a time."""
    if resource not in ("cpu", "memory"):
        return None
    usage = measure.used(view, workload, resource, container.name)
    if resource == "cpu":
        size = sizing.cpu(usage, None, None)
    else:
        size = sizing.memory(usage, None, heap_of(container), killed=False)
    if size is None:
        return None
    return Decimal(str(size.limit if which == "limits" else size.request))


def measured_request(
    view: ClusterView, workload: Workload, container: Container, resource: str
) -> Decimal | None:
    """What a container may ask for at least by its usage; ``None`` where too little was measured to take anything away."""
    usage = measure.used(view, workload, resource, container.name)
    if not sizing.tells_less(usage):
        return None
    if resource == "cpu":
        size = sizing.cpu(usage, None, None)
    else:
        size = sizing.memory(usage, None, heap_of(container), killed=False)
    return Decimal(str(size.request)) if size is not None else None


def _from_limit_range(view: ClusterView, namespace: str, which: str, resource: str) -> str | None:
    key = "default" if which == "limits" else "defaultRequest"
    for found in view.inside("limitranges", namespace):
        for entry in items(at(found, "spec", "limits")):
            value = at(entry, key, resource)
            if mapping(entry).get("type") == "Container" and value is not None:
                return str(value)
    return None


def _from_neighbours(view: ClusterView, namespace: str, which: str, resource: str) -> str | None:
    """The median of what the namespace's containers state, where two or more do."""
    stated = [
        q
        for w in view.workloads
        if w.namespace == namespace
        for c in w.containers()
        if (q := quantity(c, which, resource)) is not None
    ]
    return written(resource, median(stated)) if len(stated) >= 2 else None
