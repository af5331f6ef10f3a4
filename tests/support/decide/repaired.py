"""What is proposed for a made-up fault on a small cluster, so shortly that a test can state it."""

from __future__ import annotations

from typing import Any

from decide.core import diagnose
from decide.core.opinion import Verdict
from schemas.plans import KubernetesChange
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster

_TEMPLATES = ("spec.jobTemplate.spec.template.spec", "spec.template.spec")


def suffering(fault: str, *, seed: int = 17) -> tuple[Cluster, str]:
    """A cluster of four applications with the fault on the last, and that one's name."""
    cluster = Cluster(seed)
    for _ in range(3):
        cluster.app()
    app = cluster.app()
    FAULTS[fault](cluster, app)
    return cluster, app


def proposed(fault: str) -> list[dict[str, Any]]:
    """What each plan sets for the fault, by path: ``:`` is the pod template's spec, ``None`` a field that goes."""
    return wanted(diagnose(suffering(fault)[0].bundle()))


def wanted(verdict: Verdict) -> list[dict[str, Any]]:
    """What each plan of a verdict sets."""
    return [
        {path: after for change in plan.kubernetes_changes for path, after in _fields(change)}
        for plan in verdict.plans
    ]


def cause(fault: str) -> str:
    """The class that the fault is taken for; with the reason where it is handed to people."""
    verdict = diagnose(suffering(fault)[0].bundle())
    found = verdict.analysis.failure_class if verdict.analysis is not None else "nothing"
    return f"{found}, {verdict.reason}" if verdict.reason else found


def _fields(change: KubernetesChange) -> list[tuple[str, Any]]:
    out = []
    for one in change.fields:
        long = next((t for t in _TEMPLATES if one.path.startswith(f"{t}.")), None)
        path = one.path if long is None else f":{one.path.removeprefix(long)[1:]}"
        out.append((path, one.after))
    return out
