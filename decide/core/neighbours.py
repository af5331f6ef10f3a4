"""Workloads of other namespaces that the alert's own call: few, and examined like its own. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from decide.core.graph import admitted_by, called_services
from manifests.objects.meta import labels_of, namespace_of
from manifests.objects.selectors import equal
from manifests.objects.shapes import at
from manifests.objects.workloads import Workload

if TYPE_CHECKING:
    from decide.core.view import ClusterView

#: Other namespaces, workloads of theirs, and calls from one to the next that are followed.
_SPACES, _WORKLOADS, _DEEP = 3, 12, 3


def neighbours(
    view: ClusterView, own: Sequence[Workload], build: Callable[[str], tuple[Workload, ...]]
) -> tuple[Workload, ...]:
    """What ``own`` calls in other namespaces, directly or not; ``build`` gives all workloads of a namespace."""
    if {namespace_of(s) for s in view.all("services")} <= view.focus:
        return ()
    found: dict[str, Workload] = {}
    spaces: set[str] = set()
    asking: Sequence[Workload] = own
    for _ in range(_DEEP):
        fresh: list[Workload] = []
        for space, name in _asked(view, asking):
            if space not in spaces and len(spaces) >= _SPACES:
                continue
            spaces.add(space)
            fresh += [w for w in _behind(view, build(space), name) if w.ref.key not in found]
            found |= {w.ref.key: w for w in fresh}
        if not fresh or len(found) >= _WORKLOADS:
            break
        asking = fresh
    return tuple(found.values())[:_WORKLOADS]


def _asked(view: ClusterView, callers: Sequence[Workload]) -> Iterator[tuple[str, str]]:
    """Services of other namespaces that exist and that the callers name, or that the API server asked about their pods.

    None of the cluster's own, but for a webhook: what it says stands between the callers and their pods.
    """
    named = (place[:2] for caller in callers for place in called_services(view, caller))
    plain = [place for place in dict.fromkeys(named) if not place[0].startswith("kube-")]
    asked = [place for caller in callers for place in admitted_by(view, caller)]
    for space, name in dict.fromkeys((*asked, *plain)):
        if space not in view.focus and view.get("services", space, name) is not None:
            yield space, name


def _behind(view: ClusterView, there: Sequence[Workload], name: str) -> Iterator[Workload]:
    """Those of one namespace whose pods the Service selects."""
    for workload in there:
        service = view.get("services", workload.namespace, name)
        selector = at(service, "spec", "selector")
        pods = (labels_of(pod.obj) for pod in workload.pods)
        if equal(selector, workload.labels) or any(equal(selector, labels) for labels in pods):
            yield workload
