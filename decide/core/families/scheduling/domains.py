"""Topology domains: those that a spread constraint counts, and those that are open to its pods.

Source: kubernetes.io: Pod Topology Spread Constraints (minDomains, nodeTaintsPolicy); KEP-3022, KEP-3094.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from decide.core.view import ClusterView
from manifests.objects import scheduling
from manifests.objects.meta import labels_of
from manifests.objects.scheduling import affinity_takes, selector_takes
from manifests.objects.shapes import Obj, number
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True)
class Domains:
    """Values of the constraint's key: on nodes whose labels fit, and on those of them without a taint in the way."""

    all: frozenset[str]
    open: frozenset[str]


def domains(view: ClusterView, workload: Workload, constraint: Obj) -> Domains:
    """Those of one constraint."""
    key, spec = str(constraint.get("topologyKey")), workload.spec
    nodes = [
        node
        for node in view.nodes
        if key in labels_of(node) and selector_takes(spec, node) and affinity_takes(spec, node)
    ]
    free = [node for node in nodes if not scheduling.untolerated(spec, node)]
    return Domains(*(frozenset(str(labels_of(n)[key]) for n in some) for some in (nodes, free)))


def unmeetable(
    view: ClusterView, workload: Workload, constraint: Obj
) -> Literal["", "too_few", "closed"]:
    """Why the constraint cannot be met as it is meant: it asks for more domains than there are, or counts closed ones."""
    found = domains(view, workload, constraint)
    if number(constraint.get("minDomains"), 1) > len(found.all) > 0:
        return "too_few"
    counts = constraint.get("nodeTaintsPolicy", "Ignore") == "Ignore"
    return "closed" if counts and found.open and found.all - found.open else ""
