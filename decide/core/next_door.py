"""Trouble of another namespace that the alert's own workloads call: told where they suffer from it, mended where that is sure. Pure."""

from __future__ import annotations

from decide.core.findings import Finding
from decide.core.graph import below, calls
from decide.core.links import TROUBLE
from decide.core.view import ClusterView
from manifests.objects.workloads import Workload

#: Belief from which the other namespace's object, being down, has a cause that it shows itself; and from which
#: what stands beside its pods, a policy, is named by somebody who suffers.
_SHOWN, _NAMED = 0.85, 0.9


def is_next_door(view: ClusterView, finding: Finding) -> bool:
    """Its object stands in a namespace that is examined only since the alert's own calls it."""
    return finding.object.namespace in view.next_door


def sufferers(view: ClusterView, finding: Finding) -> list[Workload]:
    """Workloads of the alert's namespaces that call the object, directly or not, and are not well."""
    graph = calls(view)
    own = (w for w in view.workloads if w.namespace in view.focus)
    return [w for w in own if _suffers(view, w) and finding.object.key in below(graph, w.ref.key)]


def _suffers(view: ClusterView, workload: Workload) -> bool:
    told = any(hit.signal in TROUBLE for hit in view.hits(workload))
    return told or not workload.available or (view.firing and workload.name in view.alerted)


def mends_the_alert(view: ClusterView, finding: Finding) -> bool:
    """The object is down by a cause of its own or is named for sure, and somebody of the alert's own suffers from it."""
    workload = finding.facts.workload
    down = workload is not None and workload.desired > 0 and workload.ready == 0
    named = finding.facts.beside_template and finding.score >= _NAMED
    return (named or (down and finding.score >= _SHOWN)) and bool(sufferers(view, finding))
