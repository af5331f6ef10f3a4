"""The same program elsewhere: how workloads that run the same image and are ready probe it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from decide.core.families.probes.asking import handler, resolved
from decide.core.families.probes.facts import Probe
from decide.core.families.probes.known import repository
from decide.core.view import ClusterView
from manifests.objects.pods import Container
from manifests.objects.shapes import Obj, items, mapping
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """How a ready workload with the same image probes it."""

    #: The workload's name.
    name: str
    spec: Obj
    #: The port that it asks; ``None`` where it asks none.
    port: int | None


def twins_probes(
    view: ClusterView, workload: Workload, container: Container, probe: Probe
) -> Iterator[Twin]:
    """The probes of this kind, the same tag before others; none of a program that was started otherwise.

    A program that was told other words may serve elsewhere: command and arguments have to be the same.
    """
    image = str(container.spec.get("image") or "")
    found = [
        (str(one.spec.get("image")) != image, other.name, one)
        for other in view.workloads
        if other.ref.key != workload.ref.key and other.ready and other.available
        for one in other.containers()
        if image
        and repository(str(one.spec.get("image") or "")) == repository(image)
        and _started(one) == _started(container)
    ]
    for _, name, one in sorted(found, key=lambda told: told[:2]):
        spec = mapping(one.spec.get(f"{probe}Probe"))
        if spec:
            yield Twin(name=name, spec=spec, port=resolved(one, handler(spec)[1]))


def _started(container: Container) -> tuple[list[str], list[str]]:
    return (
        [str(word) for word in items(container.spec.get("command"))],
        [str(word) for word in items(container.spec.get("args"))],
    )
