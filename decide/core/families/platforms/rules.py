"""Pods that a kubelet refuses for their operating system: ``spec.os`` plays no part in where the scheduler puts them.

Source: k8s.io/kubernetes pkg/kubelet/lifecycle/predicate.go; KEP-2802.
"""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.facts import Facts
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import labels_of
from manifests.objects.shapes import Obj, text

_REASONS = ("PodOSNotSupported", "PodOSSelectorNodeLabelDoesNotMatch")
#: The label by which nodes tell their system.
LABEL = "kubernetes.io/os"


def system_of(spec: Obj) -> str:
    """The system that a pod spec is for: what it says, else what its selector asks for; empty where neither tells."""
    return text(spec, "os", "name") or text(spec, "nodeSelector", LABEL)


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about refused pods, at their workload."""
    for workload in view.workloads:
        for pod in workload.pods:
            if text(pod.obj, "status", "reason") not in _REASONS:
                continue
            node = view.get("nodes", "", pod.node) or {}
            told = say(
                "platforms.refused",
                pod=pod.name,
                system=system_of(workload.spec) or "linux",
                node=pod.node,
                other=text(labels_of(node), LABEL) or "?",
            )
            said = quote(text(pod.obj, "status", "message"))
            yield Finding(
                failure_class="pod_os_mismatch",
                object=workload.ref,
                score=0.94,
                detail=told,
                evidence=[
                    Fact(source="object", statement=told, object=workload.ref),
                    *([Fact(source="object", statement=said, object=workload.ref)] if said else []),
                ],
                facts=Facts(workload=workload),
            )
            break
