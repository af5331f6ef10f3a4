"""The cluster as one typed index, built once per bundle. Pure; tolerant of every missing source."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import orjson

from decide.core.neighbours import neighbours
from decide.core.signals import SignalHit, read
from manifests.objects.kinds import WORKLOADS
from manifests.objects.meta import condition, labels_of, name_of, namespace_of, owners_of
from manifests.objects.pods import Pod
from manifests.objects.selectors import equal, selects, stated
from manifests.objects.shapes import Obj, at, items, mapping, number
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef
from schemas.context import ContextBundle, LogExcerpt, Series, SourceStatus
from schemas.identity import workload_of_pod

T = TypeVar("T")
#: Tags by which an alert names what it is about.
_ABOUT = (
    "kube_service",
    "service",
    "kube_deployment",
    "kube_stateful_set",
    "kube_daemon_set",
    "kube_cronjob",
    "kube_job",
)
#: Names of objects in running text.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Event:
    """A Kubernetes event."""

    kind: str
    namespace: str
    name: str
    reason: str
    message: str
    warning: bool
    count: int
    last: str
    #: The container that it is about; empty where it names none.
    container: str = ""


def _by_namespace(objects: Iterable[Obj]) -> dict[str, list[Obj]]:
    """As ``namespace_of`` reads it, written out: this is run over every object of a dump."""
    out: dict[str, list[Obj]] = defaultdict(list)
    for obj in objects:
        meta = obj.get("metadata")
        out[str(meta.get("namespace") or "") if isinstance(meta, dict) else ""].append(obj)
    return out


def _event(obj: Obj) -> Event:
    about = mapping(obj.get("involvedObject") or obj.get("regarding"))
    series = mapping(obj.get("series"))
    return Event(
        kind=str(about.get("kind") or ""),
        namespace=str(about.get("namespace") or namespace_of(obj)),
        name=str(about.get("name") or ""),
        reason=str(obj.get("reason") or ""),
        message=str(obj.get("message") or obj.get("note") or ""),
        warning=obj.get("type") == "Warning",
        count=number(obj.get("count") or series.get("count") or obj.get("deprecatedCount"), 1),
        last=str(
            obj.get("lastTimestamp")
            or series.get("lastObservedTime")
            or obj.get("eventTime")
            or obj.get("firstTimestamp")
            or ""
        ),
        container=_container_of(about),
    )


_CONTAINER = re.compile(r"spec\.(?:initC|c)ontainers\{(?P<name>[^}]*)\}")


def _container_of(about: Obj) -> str:
    """``spec.containers{app}`` of an event's ``fieldPath``."""
    found = _CONTAINER.fullmatch(str(about.get("fieldPath") or ""))
    return found["name"] if found else ""


@dataclass(frozen=True)
class ClusterView:
    """Everything of the bundle that rules ask for, indexed."""

    bundle: ContextBundle
    _index: dict[tuple[str, str], dict[str, Obj]] = field(default_factory=dict, repr=False)
    _memo: dict[str, Any] = field(default_factory=dict, repr=False)

    def collected(self, plural: str) -> bool:
        """That kind was listed, though maybe empty; of the alert's namespace, too, where that is known."""
        return plural in self.bundle.k8s_context.objects and plural not in self._unlisted

    @cached_property
    def _unlisted(self) -> frozenset[str]:
        """Kinds of which the list of the alert's namespace did not come: nothing that is not there tells of them.

        A capture names such a source ``kubernetes.<kind> of <namespace>``.
        """
        space = self.bundle.k8s_context.namespace
        told = (re.fullmatch(r"kubernetes\.(\w+)\S* of (\S+)", s.name) for s in self._in_part)
        named = {found[1] for found in told if found and space and found[2] == space}
        return frozenset(
            plural for plural in named if all(namespace_of(o) != space for o in self.all(plural))
        )

    @property
    def _in_part(self) -> Iterable[SourceStatus]:
        return (source for source in self.bundle.sources if source.state == "degraded")

    def all(self, plural: str) -> list[Obj]:
        """All objects of a kind."""
        found = self.bundle.k8s_context.objects.get(plural, [])
        return self.memo(f"all {plural}", lambda: [o for o in found if isinstance(o, dict)])

    def get(self, plural: str, namespace: str, name: str) -> Obj | None:
        """One object, ``None`` when it is not there."""
        key = (plural, namespace)
        if key not in self._index:
            self._index[key] = {name_of(o): o for o in self.inside(plural, namespace)}
        return self._index[key].get(name)

    @property
    def namespace(self) -> str:
        """The namespace the alert is about, empty when it names none."""
        return self.bundle.k8s_context.namespace

    @cached_property
    def focus(self) -> frozenset[str]:
        """Namespaces to look for the trouble in: the alert's, else every one that is no system's."""
        if self.namespace:
            return frozenset({self.namespace})
        spaces = {namespace_of(o) for kind in ("pods", *WORKLOADS) for o in self.all(kind)}
        users = {s for s in spaces if not s.startswith("kube-")}
        return frozenset(users or spaces)

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        """Topmost controllers of the focus with their pods, bare pods as their own; and what they call next door."""
        own = tuple(_workloads(self, self.focus))
        return (*own, *neighbours(self, own, self._of_namespace))

    def _of_namespace(self, namespace: str) -> tuple[Workload, ...]:
        spaces = frozenset({namespace})
        return self.memo(f"workloads {namespace}", lambda: tuple(_workloads(self, spaces)))

    @cached_property
    def next_door(self) -> frozenset[str]:
        """Namespaces outside of the focus whose workloads are examined, since the focus calls them."""
        return frozenset(w.namespace for w in self.workloads) - self.focus

    @cached_property
    def _workload_index(self) -> dict[tuple[str, str, str], Workload]:
        return {(w.kind, w.namespace, w.name): w for w in self.workloads}

    def workload(self, kind: str, namespace: str, name: str) -> Workload | None:
        """The workload by its own kind and name."""
        return self._workload_index.get((kind, namespace, name))

    def named(self, namespace: str, name: str) -> Workload | None:
        """The first workload of that name, whatever its kind."""
        for kind in (
            "Deployment",
            "StatefulSet",
            "DaemonSet",
            "Rollout",
            "CronJob",
            "Job",
            "ReplicaSet",
            "ReplicationController",
            "Pod",
        ):
            found = self.workload(kind, namespace, name)
            if found:
                return found
        return None

    @cached_property
    def _owner_of_pod(self) -> dict[tuple[str, str], Workload]:
        return {(p.namespace, p.name): w for w in self.workloads for p in w.pods}

    @cached_property
    def _owner_of_child(self) -> dict[tuple[str, str], Workload]:
        return {(w.namespace, child): w for w in self.workloads for child in w.children}

    def owner(self, event: Event) -> Workload | None:
        """The workload that an event's object belongs to, through pods and ReplicaSets that still exist."""
        if event.kind == "Pod":
            return self._owner_of_pod.get((event.namespace, event.name))
        if event.kind in ("ReplicaSet", "Job"):
            found = self._owner_of_child.get((event.namespace, event.name))
            return found or self.workload(event.kind, event.namespace, event.name)
        return self.workload(event.kind, event.namespace, event.name)

    def owner_of_pod(self, namespace: str, name: str) -> Workload | None:
        """The workload of a pod that exists, else the one its name tells."""
        found = self._owner_of_pod.get((namespace, name))
        return found or self.named(namespace, workload_of_pod(name))

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """All events, oldest first as far as they say when."""
        return tuple(sorted((_event(o) for o in self.all("events")), key=lambda e: e.last))

    @cached_property
    def _events_by_object(self) -> dict[tuple[str, str, str], list[Event]]:
        out: dict[tuple[str, str, str], list[Event]] = defaultdict(list)
        for event in self.events:
            out[(event.kind, event.namespace, event.name)].append(event)
        return out

    def events_of(self, kind: str, namespace: str, name: str) -> list[Event]:
        """Events about one object."""
        return self._events_by_object.get((kind, namespace, name), [])

    def events_of_workload(self, workload: Workload) -> list[Event]:
        """Events about a workload, its current children and its existing pods."""
        out = list(self.events_of(workload.kind, workload.namespace, workload.name))
        child = "Job" if workload.kind == "CronJob" else "ReplicaSet"
        for name in workload.children:
            out += self.events_of(child, workload.namespace, name)
        for pod in workload.pods:
            if workload.kind != "Pod":
                out += self.events_of("Pod", pod.namespace, pod.name)
        return out

    @cached_property
    def services(self) -> tuple[Obj, ...]:
        """Services of the focus."""
        return tuple(self.here("services"))

    def here(self, plural: str) -> list[Obj]:
        """The objects of a kind in the focus: a dump of a whole cluster holds a hundred times more."""
        return self.within(plural, self.focus)

    def within(self, plural: str, spaces: Iterable[str]) -> list[Obj]:
        """The objects of a kind in these namespaces."""
        return [obj for space in sorted(spaces) for obj in self.inside(plural, space)]

    def inside(self, plural: str, namespace: str) -> list[Obj]:
        """The objects of a kind in one namespace."""
        return self.memo(f"by namespace {plural}", lambda: _by_namespace(self.all(plural))).get(
            namespace, []
        )

    def memo(self, key: str, make: Callable[[], T]) -> T:
        """The value of ``make``, computed once per view under ``key``."""
        if key not in self._memo:
            self._memo[key] = make()
        found: T = self._memo[key]
        return found

    @cached_property
    def _by_label(self) -> dict[tuple[str, str, str], list[Workload]]:
        """Namespace, label and value to the workloads whose pods have them."""
        out: dict[tuple[str, str, str], dict[str, Workload]] = defaultdict(dict)
        for workload in self.workloads:
            for labels in (workload.labels, *(labels_of(p.obj) for p in workload.pods)):
                for key, value in labels.items():
                    out[(workload.namespace, str(key), str(value))][workload.ref.key] = workload
        return {key: list(found.values()) for key, found in out.items()}

    def backends(self, service: Obj) -> list[Workload]:
        """Workloads whose pods the Service selects."""
        selector = mapping(at(service, "spec", "selector"))
        if not selector:
            return []
        space = namespace_of(service)
        key, value = next(iter(selector.items()))
        return [
            w
            for w in self._by_label.get((space, str(key), str(value)), [])
            if equal(selector, w.labels) or any(equal(selector, labels_of(p.obj)) for p in w.pods)
        ]

    @cached_property
    def services_of(self) -> dict[str, list[Obj]]:
        """Services that select a workload, by the workload's key."""
        out: dict[str, list[Obj]] = defaultdict(list)
        for service in self.within("services", self.focus | self.next_door):
            for workload in self.backends(service):
                out[workload.ref.key].append(service)
        return out

    def ready_addresses(self, service: Obj) -> int | None:
        """Ready endpoint addresses of a Service, ``None`` when endpoints were not collected."""
        namespace, name = namespace_of(service), name_of(service)
        if not self.collected("endpoints") and not self.collected("endpointslices"):
            return None
        count = 0
        legacy = self.get("endpoints", namespace, name)
        for subset in items(at(legacy or {}, "subsets")):
            count += len(items(mapping(subset).get("addresses")))
        for piece in self.all("endpointslices"):
            owner = labels_of(piece).get("kubernetes.io/service-name")
            if namespace_of(piece) == namespace and owner == name:
                for endpoint in items(piece.get("endpoints")):
                    if at(endpoint, "conditions", "ready") is not False:
                        count += len(items(mapping(endpoint).get("addresses")))
        return count

    @cached_property
    def nodes(self) -> tuple[Obj, ...]:
        """All nodes."""
        return tuple(self.all("nodes"))

    @cached_property
    def _logs_by_owner(self) -> dict[str, list[LogExcerpt]]:
        out: dict[str, list[LogExcerpt]] = defaultdict(list)
        for log in self.bundle.logs:
            owner = self.owner_of_pod(log.namespace, log.pod) if log.pod else None
            if owner is None and log.service:
                owner = self.named(log.namespace or self.namespace, log.service)
            if owner is not None:
                out[owner.ref.key].append(log)
        return out

    def logs_of(self, workload: Workload) -> list[LogExcerpt]:
        """Log excerpts of a workload's pods."""
        return self._logs_by_owner.get(workload.ref.key, [])

    def hits(self, workload: Workload) -> list[SignalHit]:
        """Recognised lines of a workload's logs, read once."""
        return self.memo(f"hits {workload.ref.key}", lambda: list(read(self.logs_of(workload))))

    @cached_property
    def anomalies(self) -> tuple[Obj, ...]:
        """What the alert itself lists as abnormal, where it does."""
        out: list[Obj] = []
        for text in self.bundle.alert.anomalies:
            try:
                out.append(mapping(orjson.loads(text)))
            except orjson.JSONDecodeError:
                out.append({"text": text})
        return tuple(out)

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """Workloads and Services that the alert's title names."""
        words = set(_NAME.findall(self.bundle.alert.title.lower()))
        names = {w.name for w in self.workloads} | {name_of(s) for s in self.services}
        return frozenset(words & names)

    @property
    def firing(self) -> bool:
        """The alert says that something is wrong now."""
        return self.bundle.alert.state in ("firing", "renotified", "warning")

    @cached_property
    def alerted(self) -> frozenset[str]:
        """Names of workloads, cron jobs and Services that the alert is about: by its tags, its title or its subject."""
        labels = self.bundle.alert.labels
        tagged = {labels[key] for key in _ABOUT if labels.get(key)}
        subject = self.bundle.k8s_context.subject
        return frozenset(tagged | self.mentioned | ({subject.name} if subject else set()))

    def series(self, metric: str) -> Iterable[Series]:
        """Series of a metric."""
        return (s for s in self.bundle.metrics if s.metric == metric)

    def tool(self, name: str) -> Any:
        """A tool's output, ``None`` when there is none."""
        return self.bundle.extra.get(name)

    def resolve(self, namespace: str, name: str) -> Workload | None:
        """The workload behind a name people use: a workload's, a Service's or a pod's."""
        found = self.named(namespace, name)
        if found is None:
            service = self.get("services", namespace, name)
            backends = self.backends(service) if service else []
            found = backends[0] if backends else None
        return found or self._owner_of_pod.get((namespace, name))

    @cached_property
    def declared(self) -> dict[tuple[str, str, str], Obj]:
        """Objects of the deployment repository, by kind, namespace (the focus' where unsaid) and name."""
        default = self.namespace
        out: dict[tuple[str, str, str], Obj] = {}
        for entry in self.bundle.declared:
            obj = mapping(entry.object)
            key = (str(obj.get("kind") or ""), namespace_of(obj) or default, name_of(obj))
            out[key] = obj
        return out


def _selects(workload: Obj, pod: Pod) -> bool:
    selector = at(workload, "spec", "selector")
    return stated(selector) and selects(selector, labels_of(pod.obj))


def _tops(view: ClusterView, spaces: frozenset[str]) -> dict[tuple[str, str, str], Obj]:
    """Controllers without a collected owner."""
    tops: dict[tuple[str, str, str], Obj] = {}
    for plural, kind in WORKLOADS.items():
        for obj in view.within(plural, spaces):
            if not owners_of(obj):
                tops[(kind, namespace_of(obj), name_of(obj))] = obj
    for obj in view.within("replicasets", spaces):  # their Deployments may not have been collected
        known = any((kind, namespace_of(obj), name) in tops for kind, name in owners_of(obj))
        alive = number(at(obj, "spec", "replicas"), 1) > 0
        if owners_of(obj) and not known and alive:
            tops[("ReplicaSet", namespace_of(obj), name_of(obj))] = obj
    for (
        space
    ) in spaces:  # ReplicaSets without owner beside a Deployment of the prefix are leftovers
        for key in [k for k in tops if k[0] == "ReplicaSet" and k[1] == space]:
            owner = ("Deployment", space, key[2].rpartition("-")[0])
            if owner in tops:
                del tops[key]
    return tops


def _workloads(view: ClusterView, spaces: frozenset[str]) -> Iterable[Workload]:
    pods = [Pod(o) for o in view.within("pods", spaces)]
    tops = _tops(view, spaces)
    children = _children(view, spaces)
    parents = {
        (top[1], name): top for top, names in children.items() for name in names if top in tops
    }
    owned: dict[tuple[str, str, str], list[Pod]] = defaultdict(list)
    bare: list[Pod] = []
    for pod in pods:
        top = _top_of(pod, tops, parents)
        if top is None:
            bare.append(pod)
        else:
            owned[top].append(pod)
    for key, obj in tops.items():
        yield Workload(key[0], obj, tuple(owned[key]), frozenset(children.get(key, ())))
    yield from _told_by_pods(view, bare)


#: Owners of pods, with the plural of the topmost controller that they stand for.
_ABOVE = {
    "ReplicaSet": ("Deployment", "deployments"),
    "StatefulSet": ("StatefulSet", "statefulsets"),
    "DaemonSet": ("DaemonSet", "daemonsets"),
}


def _told_by_pods(view: ClusterView, bare: list[Pod]) -> Iterable[Workload]:
    """Controllers that were not collected, as far as their pods tell; pods without any count as their own."""
    groups: dict[tuple[str, str, str], list[Pod]] = defaultdict(list)
    for pod in bare:
        owner, name = next(iter(owners_of(pod.obj)), ("", ""))
        kind, plural = _ABOVE.get(owner, ("", ""))
        if not kind or view.collected(plural):
            yield Workload("Pod", pod.obj, (pod,))
        else:
            name = workload_of_pod(pod.name) if owner == "ReplicaSet" else name
            groups[(kind, pod.namespace, name)].append(pod)
    for (kind, namespace, name), pods in groups.items():
        template = {"metadata": {"labels": labels_of(pods[0].obj)}, "spec": pods[0].spec}
        spec = {"replicas": len(pods), "template": template}
        yield Workload(
            kind,
            {
                "apiVersion": "apps/v1",
                "kind": kind,
                "metadata": {"name": name, "namespace": namespace},
                "spec": spec,
                "status": {"desiredNumberScheduled": len(pods)},
            },
            tuple(pods),
        )


def _children(view: ClusterView, spaces: frozenset[str]) -> dict[tuple[str, str, str], set[str]]:
    children: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for plural in ("replicasets", "jobs"):
        for obj in view.within(plural, spaces):
            for kind, name in owners_of(obj)[:1]:
                children[(kind, namespace_of(obj), name)].add(name_of(obj))
    for obj in view.within("replicasets", spaces):
        guess = ("Deployment", namespace_of(obj), name_of(obj).rpartition("-")[0])
        if not owners_of(obj):
            children[guess].add(name_of(obj))
    return children


def _top_of(
    pod: Pod,
    tops: dict[tuple[str, str, str], Obj],
    parents: dict[tuple[str, str], tuple[str, str, str]],
) -> tuple[str, str, str] | None:
    for kind, name in owners_of(pod.obj)[:1]:
        if (kind, pod.namespace, name) in tops:
            return (kind, pod.namespace, name)
        if (pod.namespace, name) in parents:
            return parents[(pod.namespace, name)]
        guess = ("Deployment", pod.namespace, name.rpartition("-")[0])
        if guess in tops:
            return guess
        return None
    for key, obj in tops.items():
        if key[1] == pod.namespace and _selects(obj, pod):
            return key
    return None


def node_ref(name: str) -> ObjectRef:
    """A reference to a node."""
    return ObjectRef(api_version="v1", kind="Node", name=name)


def node_ready(node: Obj) -> str:
    """``True``, ``False`` or ``Unknown``; ``True`` when the node says nothing."""
    return str(condition(node, "Ready").get("status") or "True")
