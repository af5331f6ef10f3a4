"""Who the alert is about: tags to names, names to a controller. Pure.

Tag names are those of Datadog's Kubernetes integration (docs.datadoghq.com/containers/kubernetes/tag) and the ones
people write by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from enrich.core.objects import ObjectIndex
from manifests.objects.meta import labels_of, namespace_of, ref_of
from manifests.objects.selectors import equal
from manifests.objects.shapes import mapping
from schemas.base import Json, ObjectRef
from schemas.identity import workload_of_pod

#: Tag to kind, the surest first.
_WORKLOADS: tuple[tuple[str, str], ...] = (
    ("kube_deployment", "Deployment"),
    ("deployment", "Deployment"),
    ("kube_stateful_set", "StatefulSet"),
    ("statefulset", "StatefulSet"),
    ("kube_daemon_set", "DaemonSet"),
    ("daemonset", "DaemonSet"),
    ("kube_cronjob", "CronJob"),
    ("kube_job", "Job"),
    ("kube_argo_rollout", "Rollout"),
)
#: Tags that name a namespace, the surest first.
_NAMESPACES = ("kube_namespace", "namespace", "k8s_namespace")
#: Kinds that a bare service name may mean, the likeliest first.
_SERVING = ("Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True, slots=True)
class Named:
    """What the tags name; empty where they do not."""

    cluster: str = ""
    namespace: str = ""
    pod: str = ""
    service: str = ""
    team: str = ""
    node: str = ""
    workload: ObjectRef | None = None


def first_tag(tags: Mapping[str, str], *names: str) -> str:
    """The first of these tags that names exactly one thing; several values of one tag name none."""
    return next((tags[name] for name in names if tags.get(name) and "," not in tags[name]), "")


def namespaces_named(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Every namespace that the tags name, each once; a tag with several values names each of them."""
    values = (value.strip() for tag in _NAMESPACES for value in tags.get(tag, "").split(","))
    return tuple(dict.fromkeys(value for value in values if value))


def named(tags: Mapping[str, str], default_cluster: str = "") -> Named:
    """Reads the names out of an alert's tags."""
    namespace = first_tag(tags, *_NAMESPACES)
    workload = next(
        (
            ObjectRef(kind=kind, namespace=namespace, name=tags[tag])
            for tag, kind in _WORKLOADS
            if first_tag(tags, tag)
        ),
        None,
    )
    return Named(
        cluster=first_tag(tags, "kube_cluster_name", "cluster_name", "cluster") or default_cluster,
        namespace=namespace,
        pod=first_tag(tags, "pod_name", "pod", "kube_pod"),
        service=first_tag(tags, "service", "kube_service", "app", "kube_app_name"),
        team=first_tag(tags, "team", "owner"),
        node=first_tag(tags, "kube_node", "node", "host"),
        workload=workload,
    )


def resolve(who: Named, objects: Mapping[str, Iterable[Json]]) -> ObjectRef | None:
    """The controller the alert points at: from its pod, its workload, or the service's selector.

    A name that no collected object has is still returned when a tag gives its kind; a bare service name is not. Where
    the tags give no namespace, a name counts when exactly one collected object of the kind (for a
    service name: of the kinds that serve) has it.
    """
    index = ObjectIndex(objects)

    def find(name: str, *kinds: str) -> Json | None:
        if not name:
            return None
        if not who.namespace:
            return index.only(kinds, name)
        found = (index.find(kind, who.namespace, name) for kind in kinds)
        return next((item for item in found if item is not None), None)

    pod = find(who.pod, "Pod")
    if pod is not None:
        return index.top_controller(pod)
    if who.workload is not None:
        found = find(who.workload.name, who.workload.kind)
        return index.top_controller(found) if found is not None else who.workload
    for name in (workload_of_pod(who.pod) if who.pod else "", who.service):
        serving = find(name, *_SERVING)
        if serving is not None:
            return ref_of(serving)
    return _behind_service(find(who.service, "Service"), objects, index)


def _behind_service(
    service: Json | None, objects: Mapping[str, Iterable[Json]], index: ObjectIndex
) -> ObjectRef | None:
    if service is None:
        return None
    selector = mapping(service, "spec", "selector")
    if not selector:
        return None
    namespace = namespace_of(service)
    owners = {
        index.top_controller(pod)
        for pod in objects.get("pods", ())
        if namespace_of(pod) == namespace and equal(selector, labels_of(pod))
    }
    return owners.pop() if len(owners) == 1 else None
