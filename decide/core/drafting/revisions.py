"""Revisions of a workload's template: which one its pods run, which one worked, and whether a newer one is on its way. Pure.

Source: Deployments keep ReplicaSets numbered by ``deployment.kubernetes.io/revision``; StatefulSets and DaemonSets keep
ControllerRevisions, named in their pods' label ``controller-revision-hash`` (by the whole name, or by its hash).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from decide.core.view import ClusterView
from manifests.objects.meta import annotations_of, condition, labels_of, name_of, owners_of
from manifests.objects.pods import Container, Pod, containers_in
from manifests.objects.shapes import Obj, at, mapping, number
from manifests.objects.times import instant
from manifests.objects.workloads import Workload

#: Kinds whose revisions are ControllerRevisions.
_CONTROLLED = ("StatefulSet", "DaemonSet")
#: A pod may take this long to get ready before it counts as failing (``progressDeadlineSeconds``' default).
_PATIENCE = timedelta(seconds=600)
#: A revision that was the newest for this long is taken to have worked, where no pod of it is left to tell.
_SETTLED = timedelta(hours=1)
#: A template that has worked for this long is not what broke.
_PROVEN = timedelta(days=1)
#: What a container waits for while all is well.
_STARTING = frozenset({"", "ContainerCreating", "PodInitializing"})
#: What of a container a new template changes; the rest is filled in by the API server or by webhooks.
_STATED = (
    "image",
    "command",
    "args",
    "env",
    "envFrom",
    "resources",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One template that a workload had or has."""

    number: int
    #: The ReplicaSet's or the ControllerRevision's name.
    name: str
    #: Its pod spec.
    spec: Obj
    made: datetime | None
    pods: tuple[Pod, ...]
    #: Pods that are ready now, by the pods or by the ReplicaSet's own status.
    ready: int
    #: For how long it was the newest; ``None`` for the newest itself and where times are missing.
    stood: timedelta | None = None
    #: It ran while the incident's alert was on, which a merged fix did not end.
    in_trouble: bool = False

    @property
    def worked(self) -> bool:
        """It was seen to work: pods of it are ready now, or it stood for long, and it is not the one in trouble."""
        return not self.in_trouble and self._served

    @property
    def _served(self) -> bool:
        return self.ready > 0 or (
            not self.pods and self.stood is not None and self.stood >= _SETTLED
        )

    def failing(self, now: datetime) -> tuple[Pod, ...]:
        """Its pods that do not get ready."""
        return tuple(pod for pod in self.pods if _fails(pod, now))


def revisions(view: ClusterView, workload: Workload) -> list[Revision]:
    """What is known of them, oldest first; empty where none was collected. Read once for a workload."""
    return view.memo(f"revisions {workload.ref.key}", lambda: _ordered(view, workload))


def _ordered(view: ClusterView, workload: Workload) -> list[Revision]:
    found = sorted(_revisions(view, workload), key=lambda one: one.number)
    stood = [replace(one, stood=_until(one, later)) for one, later in pairwise(found)]
    return _troubled(view, workload, [*stood, *found[-1:]])


def _troubled(view: ClusterView, workload: Workload, known: list[Revision]) -> list[Revision]:
    """After a fix of the workload that did not hold: what ran when its alert came, and all since, are in trouble."""
    bundle, failed = view.bundle, view.bundle.failed_attempt
    if failed is None or workload.ref.key not in {one.object_key for one in failed.changes}:
        return known
    times = (bundle.alert.starts_at, bundle.alert.happened_at, failed.merged_at)
    began = min((at for at in times if at is not None), default=None)
    if began is None:
        return [replace(one, in_trouble=True) for one in known]
    before_it = [at for at, one in enumerate(known) if one.made is not None and one.made <= began]
    first = before_it[-1] if before_it else 0
    return [
        replace(one, in_trouble=at >= first or one.made is None or one.made > began)
        for at, one in enumerate(known)
    ]


def _until(one: Revision, later: Revision) -> timedelta | None:
    return None if one.made is None or later.made is None else later.made - one.made


def _revisions(view: ClusterView, workload: Workload) -> Iterator[Revision]:
    if workload.kind == "Deployment":
        for name in workload.children:
            kept = view.get("replicasets", workload.namespace, name)
            if kept is not None:
                pods = tuple(p for p in workload.pods if ("ReplicaSet", name) in owners_of(p.obj))
                notes = annotations_of(kept)
                yield _revision(
                    number(notes.get("deployment.kubernetes.io/revision")),
                    kept,
                    mapping(at(kept, "spec", "template", "spec")),
                    pods,
                    number(at(kept, "status", "readyReplicas")),
                )
    elif workload.kind in _CONTROLLED:
        for kept in view.inside("controllerrevisions", workload.namespace):
            if (workload.kind, workload.name) in owners_of(kept):
                pods = tuple(p for p in workload.pods if _runs(p, name_of(kept), workload.name))
                spec = mapping(at(kept, "data", "spec", "template", "spec"))
                yield _revision(number(kept.get("revision")), kept, spec, pods, 0)


def _revision(order: int, kept: Obj, spec: Obj, pods: tuple[Pod, ...], ready: int) -> Revision:
    alive = tuple(p for p in pods if not p.deleting)
    return Revision(
        number=order,
        name=name_of(kept),
        spec=spec,
        made=instant(at(kept, "metadata", "creationTimestamp")),
        pods=alive,
        ready=max(ready, sum(p.ready for p in alive)),
    )


def _runs(pod: Pod, revision: str, workload: str) -> bool:
    stated = str(labels_of(pod.obj).get("controller-revision-hash") or "")
    return bool(stated) and revision in (stated, f"{workload}-{stated}")


def _fails(pod: Pod, now: datetime) -> bool:
    if pod.ready or pod.deleting:
        return False
    if condition(pod.obj, "PodScheduled").get("status") == "False":
        return True
    if any(_is_bad(container) for container in pod.containers()):
        return True
    made = instant(at(pod.obj, "metadata", "creationTimestamp"))
    return made is not None and now - made > _PATIENCE


def _is_bad(container: Container) -> bool:
    waits = str(container.waiting.get("reason") or "")
    ended = container.terminated.get("exitCode") not in (None, 0)
    return waits not in _STARTING or ended or container.restarts > 0


def under_way(view: ClusterView, workload: Workload) -> Revision | None:
    """The newest revision, where only pods of older ones fail and it asks for something else than they do.

    What those pods suffer from is then mended already, or about to be: a change of the template would be a second one over
    the first. ``None`` where that cannot be told, and where the newest revision of a Deployment has no pod: what keeps its
    pods away is the trouble then.
    """
    now = view.bundle.alerted_at
    known = revisions(view, workload)
    if len(known) < 2:
        return None
    *older, newest = known
    failing = [(one, pod) for one in older for pod in one.failing(now)]
    listed = {pod.name for one in known for pod in one.pods}
    strangers = any(_fails(p, now) for p in workload.pods if p.name not in listed)
    if not failing or newest.failing(now) or strangers:
        return None
    if workload.kind == "Deployment" and not newest.pods:
        return None
    same = any(_stated(one.spec) == _stated(newest.spec) for one, _ in failing)
    return None if same else newest


def _stated(spec: Obj) -> list[tuple[object, ...]]:
    sorts = ("initContainers", "containers")
    found = [c for sort in sorts for c in (spec.get(sort) or []) if isinstance(c, dict)]
    return [(c.get("name"), *(c.get(key) or None for key in _STATED)) for c in found]


def before(view: ClusterView, workload: Workload) -> Revision | None:
    """The newest older revision whose pods are ready; failing that one that stood for long, else the one just before.

    Never one whose pods fail too, or that is in trouble.
    """
    now = view.bundle.alerted_at
    older = [
        one
        for one in revisions(view, workload)[:-1]
        if not one.in_trouble and (one.ready or not one.failing(now))
    ]
    ready = [one for one in older if one.ready]
    worked = [one for one in older if one.worked]
    return next((some[-1] for some in (ready, worked, older) if some), None)


def image_of(revision: Revision, container: str) -> str:
    """What a container had in a revision; empty where it was not there."""
    specs = containers_in(revision.spec)
    return next((str(c.get("image") or "") for c in specs if c.get("name") == container), "")


def proven(view: ClusterView, workload: Workload) -> bool:
    """The newest template worked for long: what broke since is not in it. ``False`` where nothing tells."""
    known = revisions(view, workload)
    made = known[-1].made if known else None
    if made is None or view.bundle.alerted_at - made < _PROVEN:
        return False
    broke = instant(condition(workload.obj, "Available").get("lastTransitionTime"))
    return known[-1].ready > 0 or (broke is not None and broke - made > _SETTLED)
