"""What a playbook's expressions can look at, made of a cluster. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from decide.core import measure
from decide.core.playbooks.cel import Bound, Failed, bind
from decide.core.view import ClusterView
from kfix.incident.metrics import MEASURED
from manifests.objects.meta import namespace_of
from manifests.objects.shapes import Obj, at, mapping
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef

#: Objects of one kind in ``cluster``, pods, events and log lines of one object: conversions cost, budgets end.
_SHOWN = 200
#: Variables that cost next to nothing to make.
CHEAP = frozenset({"kind", "name", "namespace", "object", "now"})


class Subject:
    """One object that playbooks look at. Its variables are made when an expression first needs them, and kept:
    all playbooks share them."""

    def __init__(self, view: ClusterView, ref: ObjectRef, obj: Obj) -> None:
        self.view = view
        self.ref = ref
        self.obj = obj
        self.workload = view.workload(ref.kind, ref.namespace, ref.name)
        self._values: dict[str, Any] = {}
        self._bound: dict[frozenset[str], Bound | Failed] = {}

    def value(self, name: str) -> Any:
        """A variable's value; ``cluster`` is asked for as ``cluster.PLURAL``."""
        if name not in self._values:
            self._values[name] = self._make(name)
        return self._values[name]

    def bound(self, names: frozenset[str], words: frozenset[str]) -> Bound | Failed:
        """These variables, converted once. ``words``: of the expressions, for the kinds in ``cluster``."""
        wanted = CHEAP | names
        key = wanted | frozenset(self.kinds(words)) if "cluster" in names else wanted
        if key not in self._bound:
            self._bound[key] = bind(self.named(wanted, words))
        return self._bound[key]

    def named(self, names: frozenset[str], words: frozenset[str]) -> dict[str, Any]:
        """Variables by name."""
        found = {name: self.value(name) for name in sorted(names - {"cluster"})}
        if "cluster" in names:
            found["cluster"] = {k.partition(".")[2]: self.value(k) for k in self.kinds(words)}
        return found

    def kinds(self, words: frozenset[str]) -> list[str]:
        """``cluster.PLURAL`` of the collected kinds that expressions speak of."""
        return [f"cluster.{k}" for k in self.view.bundle.k8s_context.objects if k in words]

    def _make(self, name: str) -> Any:
        view, ref, workload = self.view, self.ref, self.workload
        if name.startswith("cluster."):
            return view.memo(f"playbooks {name}", lambda: _listed(view, name.partition(".")[2]))
        makers: dict[str, Callable[[], Any]] = {
            "kind": lambda: ref.kind,
            "name": lambda: ref.name,
            "namespace": lambda: ref.namespace,
            "object": lambda: plain(self.obj),
            "declared": lambda: plain(view.declared.get((ref.kind, ref.namespace, ref.name)) or {}),
            "pods": lambda: [plain(p.obj) for p in workload.pods[:_SHOWN]] if workload else [],
            "services": lambda: [plain(s) for s in view.services_of.get(ref.key, [])],
            "scalers": lambda: [plain(s) for s in scalers(view, ref)],
            "metrics": lambda: _metrics(view, workload),
            "now": view.bundle.alerted_at.isoformat,
            "events": lambda: _events(view, ref, workload),
            "logs": lambda: [
                line for log in (view.logs_of(workload) if workload else []) for line in log.lines
            ][-_SHOWN:],
            "alert": lambda: _alert(view),
        }
        return makers[name]()


def _alert(view: ClusterView) -> dict[str, Any]:
    alert = view.bundle.alert
    return {
        "title": alert.title,
        "tags": dict(alert.labels),
        "environment": view.bundle.environment,
    }


def _listed(view: ClusterView, plural: str) -> list[Any]:
    """Objects of a kind: those of the focus and the cluster's own."""
    inside = {"", *view.focus}
    return [plain(o) for o in view.all(plural) if namespace_of(o) in inside][:_SHOWN]


def plain(obj: Obj) -> dict[str, Any]:
    """The object without what nobody asks for and what costs most to convert."""
    out = {key: value for key, value in obj.items() if key != "metadata"}
    out["metadata"] = {
        k: v for k, v in mapping(obj.get("metadata")).items() if k != "managedFields"
    }
    return out


def scalers(view: ClusterView, ref: ObjectRef) -> list[Obj]:
    """Autoscalers of a workload."""
    return [
        s
        for s in view.all("horizontalpodautoscalers")
        if namespace_of(s) == ref.namespace
        and at(s, "spec", "scaleTargetRef", "kind") == ref.kind
        and at(s, "spec", "scaleTargetRef", "name") == ref.name
    ]


def _metrics(view: ClusterView, workload: Workload | None) -> dict[str, dict[str, float]]:
    """By meaning, for those that were measured: ``last``, ``p95``, ``peak`` and how many ``samples``."""
    out: dict[str, dict[str, float]] = {}
    for meaning in MEASURED if workload else ():
        assert workload is not None
        series = measure.usage(view, workload, meaning)
        numbers = measure.values(series)
        if numbers:
            out[meaning] = {
                "last": measure.latest(series) or 0.0,
                "p95": measure.percentile(numbers, 0.95) or 0.0,
                "peak": max(numbers),
                "samples": float(len(numbers)),
            }
    return out


def _events(
    view: ClusterView, ref: ObjectRef, workload: Workload | None
) -> list[Mapping[str, Any]]:
    found = (
        view.events_of_workload(workload)
        if workload
        else view.events_of(ref.kind, ref.namespace, ref.name)
    )
    return [
        {
            "reason": e.reason,
            "message": e.message,
            "count": e.count,
            "warning": e.warning,
            "kind": e.kind,
        }
        for e in found[-_SHOWN:]
    ]
