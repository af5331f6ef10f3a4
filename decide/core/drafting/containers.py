"""What plans read of a container: its requests and limits, and where its values stand."""

from __future__ import annotations

from decimal import Decimal
from statistics import median

from decide.core import measure
from decide.core.drafting import sizing
from decide.core.drafting.heaps import heap_of
from decide.core.objects import Container, Workload, at, items, mapping
from decide.core.view import ClusterView
from manifests.objects import quantities


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
    """The same in bytes or cores."""
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


def fitting(
    view: ClusterView, workload: Workload, container: Container, which: str, resource: str
) -> str | None:
    """A value for a request or limit that is not stated: from usage, its own other value, the LimitRange, neighbours."""
    if resource in ("cpu", "memory"):
        usage = measure.used(view, workload, resource, container.name)
        if sizing.tells(usage):
            size = (
                sizing.cpu(usage, None, None)
                if resource == "cpu"
                else sizing.memory(usage, None, heap_of(container), killed=False)
            )
            if size is not None:
                return written(
                    resource, Decimal(str(size.limit if which == "limits" else size.request))
                )
    other = quantity(container, "limits" if which == "requests" else "requests", resource)
    if other is not None:
        return written(resource, other)
    for found in view.inside("limitranges", workload.namespace):
        for entry in items(at(found, "spec", "limits")):
            key = "default" if which == "limits" else "defaultRequest"
            value = at(entry, key, resource)
            if mapping(entry).get("type") == "Container" and value is not None:
                return str(value)
    stated = [
        q
        for w in view.workloads
        if w.namespace == workload.namespace
        for c in w.containers()
        if (q := quantity(c, which, resource)) is not None
    ]
    return written(resource, median(stated)) if len(stated) >= 2 else None
