"""Which objects the names of an alert may mean: from pods, containers, workloads, services, addresses, the surest first. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from enrich.core import addresses
from enrich.core.names import Named
from enrich.core.objects import ObjectIndex
from kfix.incident import service_names
from kfix.incident.images import parse
from manifests.objects.kinds import WORKLOADS, plural_of
from manifests.objects.meta import (
    controller_of,
    labels_of,
    name_of,
    namespace_of,
    ref_of,
)
from manifests.objects.pods import containers_in, pod_spec, statuses_of, template_of
from manifests.objects.selectors import equal
from manifests.objects.shapes import Obj, mapping, mappings, text
from schemas.base import Json, ObjectRef
from schemas.identity import workload_of_pod

#: Kinds whose name a bare service name may be, the likeliest first.
_SERVING = ("Deployment", "StatefulSet", "DaemonSet", "Rollout")
#: Kinds that go while their maker stays, with what the maker adds to its name.
_MADE_BY = {
    "Job": (("CronJob",), re.compile(r"-[0-9]{8,10}$")),
    "ReplicaSet": (("Deployment", "Rollout"), re.compile(r"-[a-z0-9]{6,10}$")),
}
_ADDRESS_TYPES = ("Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP")


@dataclass(frozen=True, slots=True)
class NameMatch:
    """Objects that a name may mean. ``by``: the name, with its tag. ``exact``: it is one that its owner gave on purpose."""

    by: str
    refs: tuple[ObjectRef, ...]
    exact: bool = True


class NamedObjects:
    """The collected objects, as names look for them. ``namespace``: only there; empty: anywhere."""

    def __init__(self, objects: Mapping[str, Iterable[Json]], namespace: str = "") -> None:
        self._objects = objects
        self._namespace = namespace
        self.index = ObjectIndex(objects)

    def all(self, plural: str) -> Iterator[Json]:
        """Objects of a kind, in the namespace."""
        for item in self._objects.get(plural, ()):
            if not self._namespace or namespace_of(item) == self._namespace:
                yield item

    def called(self, name: str, *kinds: str) -> list[Json]:
        """The objects of these kinds that have the name."""
        found = (item for kind in kinds for item in self.all(plural_of(kind)))
        return [item for item in found if name and name_of(item) == name]

    @cached_property
    def tops(self) -> list[tuple[ObjectRef, Obj]]:
        """Workloads that nobody controls, with their objects."""
        return [
            (ref_of(item, kind), mapping(item))
            for plural, kind in WORKLOADS.items()
            for item in self.all(plural)
            if controller_of(item) is None
        ]

    def labelled(
        self, of: Callable[[Obj], bool], spec: Callable[[Obj], bool] | None = None
    ) -> list[ObjectRef]:
        """Workloads of whose pods, or of which themselves, the labels (or the pod spec) hold."""
        found = []
        for ref, item in self.tops:
            template = template_of(item, ref.kind)
            told = of(labels_of(template)) or of(labels_of(item))
            if told or (spec is not None and spec(pod_spec(item, ref.kind))):
                found.append(ref)
        for pod in self.all("pods"):
            if of(labels_of(pod)):
                found.append(self.index.top_controller(pod))
        return _once(found)

    def behind(self, service: Json) -> list[ObjectRef]:
        """The workloads whose pods a Service selects."""
        selector = mapping(service, "spec", "selector")
        if not selector:
            return []
        space = namespace_of(service)
        found = [
            ref
            for ref, item in self.tops
            if ref.namespace == space and equal(selector, labels_of(template_of(item, ref.kind)))
        ]
        pods = (p for p in self.all("pods") if namespace_of(p) == space)
        found += [self.index.top_controller(p) for p in pods if equal(selector, labels_of(p))]
        return _once(found)


def matches(who: Named, objects: Mapping[str, Iterable[Json]]) -> Iterator[NameMatch]:
    """What each name means, the surest name first; a name that means nothing here gives nothing."""
    directory = NamedObjects(objects, who.namespace)
    ways = (
        _pod,
        _container_id,
        _workload,
        _scaler,
        _volume_claim,
        _services,
        _kube_service,
        _addresses,
        _container,
    )
    for way in ways:
        yield from (match for match in way(who, directory) if match.refs)


def node_of(who: Named, objects: Mapping[str, Iterable[Json]]) -> ObjectRef | None:
    """The node that the host is. Datadog's agent calls a host by its node and cluster, by its cloud's id, or by its address."""
    host = who.node.lower()
    if not host:
        return None
    found = [n for n in objects.get("nodes", ()) if host in _names_of_node(n, who.cluster)]
    return ref_of(found[0], "Node") if len(found) == 1 else None


def _names_of_node(node: Json, cluster: str) -> set[str]:
    name = name_of(node).lower()
    provider = text(node, "spec", "providerID").lower().rpartition("/")[2]
    places = mappings(node, "status", "addresses")
    said = {text(one, "address").lower() for one in places if one.get("type") in _ADDRESS_TYPES}
    names = {name, provider, *said} - {""}
    return names | ({f"{name}-{cluster.lower()}"} if cluster else set())


def _once(refs: Iterable[ObjectRef]) -> list[ObjectRef]:
    return list({ref.key: ref for ref in refs}.values())


def _top(directory: NamedObjects, items: Iterable[Json]) -> tuple[ObjectRef, ...]:
    return tuple(_once(directory.index.top_controller(item) for item in items))


def _pod(who: Named, directory: NamedObjects) -> Iterator[NameMatch]:
    if who.pod:
        found = _top(directory, directory.called(who.pod, "Pod"))
        yield NameMatch(f"pod_name:{who.pod}", found)
        if not found and who.workload is None:
            named = directory.called(workload_of_pod(who.pod), *_SERVING, "ReplicaSet", "Job")
            yield NameMatch(f"pod_name:{who.pod}", _top(directory, named))


def _container_id(who: Named, directory: NamedObjects) -> Iterator[NameMatch]:
    wanted = who.container_id.lower()
    if wanted:
        found = [
            pod
            for pod in directory.all("pods")
            for status in statuses_of(pod)
            if wanted
            in (
                _id(status, "containerID"),
                _id(mapping(status, "lastState", "terminated"), "containerID"),
            )
        ]
        yield NameMatch(f"container_id:{who.container_id}", _top(directory, found))


def _id(status: Obj, key: str) -> str:
    return text(status, key).rpartition("/")[2].lower()


def _workload(who: Named, directory: NamedObjects) -> Iterator[NameMatch]:
    if who.workload is not None:
        kind, name = who.workload.kind, who.workload.name
        found = _top(directory, directory.called(name, kind))
        if not found and kind in _MADE_BY:
            makers, suffix = _MADE_BY[kind]
            found = _top(directory, directory.called(suffix.sub("", name), *makers))
        yield NameMatch(f"{kind.lower()}:{name}", found)


def _scaler(who: Named, directory: NamedObjects) -> Iterator[NameMatch]:
    """What the autoscaler scales."""
    targets = [
        found
        for scaler in directory.called(who.scaler, "HorizontalPodAutoscaler")
        for ref in [mapping(scaler, "spec", "scaleTargetRef")]
        for found in directory.called(text(ref, "name"), text(ref, "kind"))
        if namespace_of(found) == namespace_of(scaler)
    ]
    if who.scaler:
        yield NameMatch(f"horizontalpodautoscaler:{who.scaler}", _top(directory, targets))


def _volume_claim(who: Named, directory: NamedObjects) -> Iterator[NameMatch]:
    """Whose pods mount the claim; a StatefulSet's are made for each of its pods."""
    if not who.volume_claim:
        return

    def mounts(spec: Obj) -> bool:
        claims = (mapping(v, "persistentVolumeClaim") for v in mappings(spec, "volumes"))
        return any(text(claim, "claimName") == who.volume_claim for claim in claims)

    pods = [pod for pod in directory.all("pods") if mounts(pod_spec(pod, "Pod"))]
    stated = directory.labelled(lambda labels: False, mounts)
    found = _once([*_top(directory, pods), *stated])
    yield NameMatch(f"persistentvolumeclaim:{who.volume_claim}", tuple(found))


def _services(who: Named, directory: NamedObjects) -> Iterator[NameMatch]:
    each = [next(_service(name, directory), None) for name in who.services]
    found = [one for one in each if one is not None]
    if len(who.services) == 1:
        yield from found
    elif found:
        refs = _once(ref for one in found for ref in one.refs)
        yield NameMatch(f"service:{','.join(who.services)}", tuple(refs))


def _service(name: str, directory: NamedObjects) -> Iterator[NameMatch]:
    """The workloads that a service's name means: what says so on purpose, else what is called so."""
    by, word = f"service:{name}", name.lower()
    told = directory.labelled(
        lambda labels: _is(labels, service_names.LABEL, word), lambda spec: _tells(spec, word)
    )
    if told:
        yield NameMatch(by, tuple(told))
        return
    called = (
        directory.labelled(lambda labels: _is(labels, service_names.NAME_LABEL, word)),
        directory.labelled(
            lambda labels: any(_is(labels, key, word) for key in service_names.APP_LABELS)
        ),
        _top(directory, directory.called(name, *_SERVING)),
        _of_services(directory, directory.called(name, "Service")),
        _top(directory, directory.called(name, "CronJob", "Job")),
    )
    best: dict[str, list[ObjectRef]] = {}
    for refs in called:  # the best way of each namespace: another one's may be meant as well
        fresh = [ref for ref in refs if ref.namespace not in best]
        for ref in fresh:
            best.setdefault(ref.namespace, []).append(ref)
    yield NameMatch(by, tuple(_once(ref for refs in best.values() for ref in refs)), exact=False)


def _is(labels: Obj, key: str, word: str) -> bool:
    return str(labels.get(key) or "").lower() == word


def _tells(spec: Obj, word: str) -> bool:
    """A container's tracer is told the service's name."""
    variables = (e for c in containers_in(spec, "containers") for e in mappings(c, "env"))
    return any(
        text(e, "name") == service_names.VARIABLE and text(e, "value").lower() == word
        for e in variables
    )


def _of_services(directory: NamedObjects, services: Iterable[Json]) -> list[ObjectRef]:
    return _once(ref for service in services for ref in directory.behind(service))


def _kube_service(who: Named, directory: NamedObjects) -> Iterator[NameMatch]:
    if who.kube_service:
        found = _of_services(directory, directory.called(who.kube_service, "Service"))
        yield NameMatch(f"kube_service:{who.kube_service}", tuple(found))


def _addresses(who: Named, directory: NamedObjects) -> Iterator[NameMatch]:
    for host, path in who.addresses:
        routes = {plural: list(directory.all(plural)) for plural in ROUTES}
        places = set(addresses.behind(host, path, routes))
        services = (s for s in directory.all("services") if (namespace_of(s), name_of(s)) in places)
        yield NameMatch(f"url:{host}{path}", tuple(_of_services(directory, services)))


#: Kinds that lead from an address to a Service.
ROUTES = ("ingresses", "httproutes", "grpcroutes", "virtualservices", "services")


def _container(who: Named, directory: NamedObjects) -> Iterator[NameMatch]:
    """By the container's name and image together, else by the image, else by the name."""
    repository, tag = who.image
    if not (who.container or repository):
        return

    def holds(spec: Obj) -> bool:
        return any(_is_container(who, c) for c in containers_in(spec, "containers"))

    found = directory.labelled(lambda labels: False, holds)
    said = [f"container_name:{who.container}"] if who.container else []
    said += [f"image:{repository}{':' if tag else ''}{tag}"] if repository else []
    yield NameMatch(",".join(said), tuple(found))


def _is_container(who: Named, container: Obj) -> bool:
    repository, tag = who.image
    if who.container and text(container, "name") != who.container:
        return False
    if not repository:
        return True
    image = parse(text(container, "image"))
    mine = parse(f"{repository}:{tag}" if tag else repository)
    if image is None or mine is None or image.repository != mine.repository:
        return False
    return not tag or image.tag == mine.tag
