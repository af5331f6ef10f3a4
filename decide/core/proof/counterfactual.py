"""The cluster as it would stand after a plan: a view over another one, that copies only what the plan changes. Pure.

What was observed of a template that the plan changes (its pods, their events, logs and endpoints) says nothing of the new
one: it is not there in this view. ``seen`` has it still.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from decide.core.signals import SignalHit
from decide.core.view import ClusterView, Event
from manifests.objects import changes as typed
from manifests.objects import paths, pods
from manifests.objects.kinds import plural_of
from manifests.objects.meta import labels_of, name_of, namespace_of
from manifests.objects.selectors import equal
from manifests.objects.shapes import Obj, at, mapping
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef
from schemas.context import LogExcerpt
from schemas.plans import FieldChange, KubernetesChange

#: Plural, namespace and name of an object.
Place = tuple[str, str, str]
_ABSENT = object()


class Unfit(ValueError):
    """A change that does not fit the objects: what it would leave behind cannot be told."""


@dataclass(frozen=True, kw_only=True)
class Counterfactual(ClusterView):
    """``before`` with some objects exchanged; ``None`` where one is taken away."""

    before: ClusterView
    exchanged: Mapping[Place, Obj | None] = field(default_factory=dict)
    #: The exchanged declarations, as ``ClusterView.declared`` has them.
    redeclared: Mapping[tuple[str, str, str], Obj] = field(default_factory=dict)

    @cached_property
    def _plurals(self) -> frozenset[str]:
        return frozenset(plural for plural, _, _ in self.exchanged)

    def all(self, plural: str) -> list[Obj]:
        """All objects of a kind."""
        if plural not in self._plurals:
            return self.before.all(plural)
        return self.memo(f"all {plural}", lambda: self._with(plural, self.before.all(plural)))

    def inside(self, plural: str, namespace: str) -> list[Obj]:
        """The objects of a kind in one namespace."""
        touched = any((p, s) == (plural, namespace) for p, s, _ in self.exchanged)
        found = self.before.inside(plural, namespace)
        if not touched:
            return found
        key = f"inside {plural} {namespace}"
        return self.memo(key, lambda: self._with(plural, found, namespace))

    def _with(self, plural: str, found: list[Obj], namespace: str | None = None) -> list[Obj]:
        mine = {
            (s, n): obj
            for (p, s, n), obj in self.exchanged.items()
            if p == plural and namespace in (None, s)
        }
        kept = [mine.pop((namespace_of(o), name_of(o)), o) for o in found]
        return [o for o in (*kept, *mine.values()) if o is not None]

    def get(self, plural: str, namespace: str, name: str) -> Obj | None:
        """One object, ``None`` when it is not there."""
        key = (plural, namespace, name)
        if key in self.exchanged:
            return self.exchanged[key]
        return self.before.get(plural, namespace, name)

    @cached_property
    def focus(self) -> frozenset[str]:
        """Namespaces to look for the trouble in."""
        return self.before.focus

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        """Topmost controllers of the focus; those whose template is exchanged without the pods of the old one."""
        return tuple(self._as_changed(w) for w in self.before.workloads)

    def _as_changed(self, workload: Workload) -> Workload:
        key = (plural_of(workload.kind), workload.namespace, workload.name)
        obj = self.exchanged.get(key)
        if obj is None:
            return workload
        if pods.template_of(obj, workload.kind) == workload.template:
            return replace(workload, obj=obj)
        return replace(workload, obj=_unobserved(obj), pods=())

    @cached_property
    def renewed(self) -> frozenset[str]:
        """Keys of the workloads whose template is another."""
        pairs = zip(self.before.workloads, self.workloads, strict=True)
        return frozenset(old.ref.key for old, new in pairs if old.template != new.template)

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """All events but those of the old templates' pods and of their controllers."""
        if not self.renewed:
            return self.before.events
        owner = self.before.owner
        return tuple(
            e
            for e in self.before.events
            if (found := owner(e)) is None or found.ref.key not in self.renewed
        )

    def logs_of(self, workload: Workload) -> list[LogExcerpt]:
        """Log excerpts of a workload's pods; none of an old template's."""
        return [] if workload.ref.key in self.renewed else self.before.logs_of(workload)

    def hits(self, workload: Workload) -> list[SignalHit]:
        """Recognised lines of a workload's logs; none of an old template's."""
        return [] if workload.ref.key in self.renewed else self.before.hits(workload)

    def ready_addresses(self, service: Obj) -> int | None:
        """Ready addresses of a Service; ``None`` where the plan changes what stands behind it."""
        place = ("services", namespace_of(service), name_of(service))
        behind = {w.ref.key for w in self.backends(service)}
        if place in self.exchanged or behind & self.renewed:
            return None
        return self.before.ready_addresses(service)

    @cached_property
    def declared(self) -> dict[tuple[str, str, str], Obj]:
        """Objects of the deployment repository as the plan leaves them."""
        return {**self.before.declared, **self.redeclared}


def seen(view: ClusterView) -> ClusterView:
    """The view with everything that was observed: the one that a counterfactual stands on."""
    return view.before if isinstance(view, Counterfactual) else view


def counterfactual(view: ClusterView, changes: Sequence[KubernetesChange]) -> Counterfactual:
    """The view after the changes, on what is collected, else declared. Raises Unfit where one does not fit."""
    exchanged: dict[Place, Obj | None] = {}
    redeclared: dict[tuple[str, str, str], Obj] = {}
    first = seen(view)
    if isinstance(view, Counterfactual):
        exchanged |= view.exchanged
        redeclared |= view.redeclared
    for change in changes:
        ref = change.object
        place = (plural_of(ref.kind), ref.namespace, ref.name)
        key = (ref.kind, ref.namespace, ref.name)
        declared = redeclared.get(key) or first.declared.get(key)
        live = exchanged[place] if place in exchanged else _live(first, ref)
        if change.action == "delete":
            exchanged[place] = None
        elif change.action == "create":
            exchanged[place] = redeclared[key] = mapping(change.manifest)
        else:
            exchanged[place] = _patched(change.fields, live, declared)
            if declared is not None:
                redeclared[key] = _patched(change.fields, declared, None)
    return Counterfactual(
        bundle=first.bundle, before=first, exchanged=exchanged, redeclared=redeclared
    )


def _live(view: ClusterView, ref: ObjectRef) -> Obj | None:
    found = view.get(plural_of(ref.kind), ref.namespace, ref.name)
    if found is None:  # a controller that only its pods tell of
        told = view.workload(ref.kind, ref.namespace, ref.name)
        found = told.obj if told is not None else None
    return found


def _patched(fields: Sequence[FieldChange], live: Obj | None, declared: Obj | None) -> Obj:
    """The object with the fields set. What runs differs from what is declared where the API server filled in defaults."""
    for obj in (live, declared):
        if obj is None:
            continue
        try:
            made: Any = obj
            for one in fields:
                made = typed.put(made, one, grow=True)
        except (paths.Missing, paths.BadPath, TypeError, ValueError):
            continue
        return mapping(made)
    raise Unfit("no object that the change fits")


def _unobserved(obj: Obj) -> Obj:
    """The object without what was observed of its old template; how many nodes a DaemonSet is for stays."""
    kept = {"desiredNumberScheduled": at(obj, "status", "desiredNumberScheduled")}
    return {**obj, "status": {k: v for k, v in kept.items() if v is not None}}


def exchanged(view: ClusterView, plural: str) -> list[Obj]:
    """The objects of a kind that the plan changes or adds; none before a plan."""
    if not isinstance(view, Counterfactual):
        return []
    return [obj for (kind, _, _), obj in view.exchanged.items() if kind == plural and obj]


def lost(view: ClusterView, service: Obj) -> bool:
    """The Service selects templates before the plan and none after."""
    selector = mapping(service, "spec", "selector")
    return bool(seen(view).backends(service)) and not any(
        equal(selector, w.labels) or any(equal(selector, labels_of(p.obj)) for p in w.pods)
        for w in view.workloads
        if w.namespace == namespace_of(service)
    )
