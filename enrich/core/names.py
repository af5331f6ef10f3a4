"""What an alert names: tags to names. Pure.

Tag names are those of Datadog's Kubernetes, container, trace, network and RUM integrations (docs.datadoghq.com/containers/
kubernetes/tag, /getting_started/tagging/unified_service_tagging), OpenTelemetry's semantic conventions, and the ones
people write by hand. Dots, dashes and a log attribute's ``@`` do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from kfix.incident.cluster_tags import folded, scoped
from schemas.alerts import FiredRule
from schemas.base import ObjectRef
from schemas.context import Monitor

#: Tag to kind, the surest first.
_WORKLOADS: tuple[tuple[str, str], ...] = (
    ("kube_deployment", "Deployment"),
    ("deployment", "Deployment"),
    ("k8s_deployment_name", "Deployment"),
    ("kube_argo_rollout", "Rollout"),
    ("argo_rollout", "Rollout"),
    ("kube_stateful_set", "StatefulSet"),
    ("statefulset", "StatefulSet"),
    ("k8s_statefulset_name", "StatefulSet"),
    ("kube_daemon_set", "DaemonSet"),
    ("daemonset", "DaemonSet"),
    ("k8s_daemonset_name", "DaemonSet"),
    ("kube_cronjob", "CronJob"),
    ("cronjob", "CronJob"),
    ("k8s_cronjob_name", "CronJob"),
    ("kube_job", "Job"),
    ("k8s_job_name", "Job"),
    ("kube_replica_set", "ReplicaSet"),
    ("k8s_replicaset_name", "ReplicaSet"),
)
#: Tags that name a namespace, the surest first.
_NAMESPACES = ("kube_namespace", "namespace", "k8s_namespace", "k8s_namespace_name")
_PODS = ("pod_name", "pod", "kube_pod", "k8s_pod_name")
#: Tags that name a service, the surest first: the alert's own, what an inferred one belongs to; and people's words, which
#: may mean a whole product.
_SERVICES = ("service", "service_name", "base_service")
_BY_HAND = ("app", "kube_app_name", "kube_app_instance")
#: The two ends of a network's connection.
_ENDS = (
    ("client_service", "server_service"),
    ("source_service", "destination_service"),
)
_KUBE_SERVICES = ("kube_service", "k8s_service_name")
_NODES = ("kube_node", "node", "k8s_node_name", "host", "host_name")
_CONTAINERS = ("kube_container_name", "container_name", "k8s_container_name")
_CONTAINER_IDS = ("container_id",)
_SCALERS = ("horizontalpodautoscaler", "kube_horizontal_pod_autoscaler", "k8s_hpa_name", "hpa")
_VOLUME_CLAIMS = ("persistentvolumeclaim", "k8s_persistentvolumeclaim_name")
#: Tags that hold an address, or a host alone.
_ADDRESSES = (
    "url",
    "http_url",
    "target_url",
    "http_url_details_host",
    "http_host",
    "view_url_host",
    "kube_ingress_host",
    "url_host",
    "server_address",
    "peer_hostname",
)

#: What Kubernetes takes for a namespace's name; clouds call other things so (``namespace:AWS/ApplicationELB``).
_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
#: A host that is called as a replica set's pod: what a program in it takes for its host's name.
_POD = re.compile(
    r"-[a-f0-9]{6,10}-[a-z0-9]{5}$|-[bcdf-hj-np-tv-xz2456789]{4,10}-[bcdf-hj-np-tv-xz2456789]{5}$"
)
_HOST = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}")
#: States of a monitor's group that are none of "all is well".
_FIRING = frozenset({"alert", "warn", "no data"})
#: Groups of one monitor that are looked at.
_GROUPS = 5


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
    #: All services that it may be about, where no single one is named: the two ends of a connection.
    services: tuple[str, ...] = ()
    #: No tag that is there for a service names it: one that nobody here has may mean more than a workload.
    by_hand: bool = False
    #: The pod is named by the host alone, which may as well be a node's name.
    by_host: bool = False
    kube_service: str = ""
    container: str = ""
    container_id: str = ""
    #: A HorizontalPodAutoscaler, and a PersistentVolumeClaim.
    scaler: str = ""
    volume_claim: str = ""
    #: Repository and tag of an image.
    image: tuple[str, str] = ("", "")
    #: (host, path) of addresses.
    addresses: tuple[tuple[str, str], ...] = ()

    @property
    def nobody(self) -> bool:
        """Nothing that leads to an object inside a namespace is named."""
        return not (self.services or self._surer)

    @property
    def only_by_hand(self) -> bool:
        """Nothing but a word of people's may lead to an object."""
        return self.by_hand and not self._surer

    @property
    def _surer(self) -> bool:
        return bool(
            self.pod
            or self.workload
            or self.kube_service
            or self.container
            or self.container_id
            or self.scaler
            or self.volume_claim
            or self.image[0]
            or self.addresses
        )


def first_tag(tags: Mapping[str, str], *names: str) -> str:
    """The first of these tags that names exactly one thing; several values of one tag name none."""
    return next((tags[name] for name in names if tags.get(name) and "," not in tags[name]), "")


def namespaces_named(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Every namespace that the tags name, each once; a tag with several values names each of them."""
    known = by_folded_name(tags)
    values = (value.strip() for tag in _NAMESPACES for value in known.get(tag, "").split(","))
    return tuple(dict.fromkeys(value for value in values if _NAMESPACE.fullmatch(value)))


def by_folded_name(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags under their names as they are compared; the first of those that are written alike."""
    found: dict[str, str] = {}
    for name, value in tags.items():
        found.setdefault(folded(name), value)
    return found


def named(tags: Mapping[str, str], default_cluster: str = "", host: str = "") -> Named:
    """Reads the names out of an alert's tags. ``host``: where its sender says that it comes from."""
    tags = by_folded_name(tags)
    spaces = (first_tag(tags, tag) for tag in _NAMESPACES)
    namespace = next((name for name in spaces if _NAMESPACE.fullmatch(name)), "")
    workload = next(
        (
            ObjectRef(kind=kind, namespace=namespace, name=tags[tag])
            for tag, kind in _WORKLOADS
            if first_tag(tags, tag)
        ),
        None,
    )
    kube_service = first_tag(tags, *_KUBE_SERVICES)
    service = first_tag(tags, *_SERVICES[:2], *_KUBE_SERVICES, *_SERVICES[2:], *_BY_HAND)
    return Named(
        cluster=first_tag(tags, "kube_cluster_name", "cluster_name", "cluster") or default_cluster,
        namespace=namespace,
        pod=first_tag(tags, *_PODS),
        service=service,
        team=first_tag(tags, "team", "owner"),
        node=first_tag(tags, *_NODES) or host,
        workload=workload,
        services=_services(tags),
        by_hand=not any(tags.get(name) for name in (*_SERVICES, *_ENDS[0], *_ENDS[1])),
        kube_service=kube_service,
        container=first_tag(tags, *_CONTAINERS),
        container_id=first_tag(tags, *_CONTAINER_IDS).rpartition("/")[2],
        scaler=first_tag(tags, *_SCALERS),
        volume_claim=first_tag(tags, *_VOLUME_CLAIMS),
        image=(first_tag(tags, "image_name"), first_tag(tags, "image_tag")),
        addresses=tuple(dict.fromkeys(_addresses(tags))),
    )


def _services(tags: Mapping[str, str]) -> tuple[str, ...]:
    one = [first_tag(tags, name) for name in (*_SERVICES, *_BY_HAND)]
    ends = [first_tag(tags, *names) for names in zip(*_ENDS, strict=True)]
    single = [name for name in one if name][:1]
    return tuple(dict.fromkeys(single or [name for name in ends if name]))


def _addresses(tags: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in _ADDRESSES:
        found = address_of(first_tag(tags, name))
        if found is not None:
            yield found


def address_of(text: str) -> tuple[str, str] | None:
    """Host and path of an address or of a host alone; ``None`` for what is neither. Never raises."""
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return None
    return (host, parts.path or "/") if _HOST.fullmatch(host) else None


def readings(
    tags: Mapping[str, str],
    rule: FiredRule,
    monitor: Monitor | None,
    behind: Sequence[Monitor] = (),
    *,
    cluster: str = "",
    host: str = "",
) -> tuple[Named, ...]:
    """What the alert names, by everything that says it: its tags, its group, its query, its monitor's, and the rules
    ``behind`` that one, of which those that fire count. Several when they name several things; one at least. A host
    that is called as a pod may be that pod.
    """
    whos = [
        named(merged(tags, texts), cluster, host)
        for texts in _texts(rule.group, rule.query, monitor)
    ]
    if all(who.nobody for who in whos):
        firing = [one for one in behind if is_firing(one)] or list(behind)
        found = [
            named(merged({**pairs_of(one.tags), **tags}, texts), cluster, host)
            for one in firing
            for texts in _texts("", "", one)
        ]
        whos = [who for who in found if not who.nobody] or whos
    pods = [
        replace(who, pod=who.node, by_host=True)
        for who in whos
        if who.nobody and _POD.search(who.node)
    ]
    return tuple(dict.fromkeys((*whos, *pods)))


def tags_said(tags: Mapping[str, str], rule: FiredRule, monitor: Monitor | None) -> dict[str, str]:
    """The alert's tags, with those of its group and of its rule's query."""
    query = monitor.query if monitor is not None else ""
    return merged(tags, [rule.group, rule.query, query])


def is_firing(monitor: Monitor) -> bool:
    """Any of its groups, or all of it, is not well."""
    states = [monitor.overall_state, *monitor.group_states.values()]
    return any(state.lower() in _FIRING for state in states)


def _texts(group: str, query: str, monitor: Monitor | None) -> list[list[str]]:
    """What completes the tags, the nearest first: once for each group in alert where the alert's is not said."""
    asked = [text for text in (query, monitor.query if monitor else "") if text]
    if group.strip("* ") or monitor is None:
        return [[group, *asked]]
    alerting = [g for g, state in monitor.group_states.items() if state.lower() in _FIRING]
    groups = [g for g in alerting if g.strip("* ")][:_GROUPS]
    return [[g, *asked] for g in groups] or [asked]


def pairs_of(tags: Iterable[str]) -> dict[str, str]:
    """Tags as they are listed, by name; several values of one name are joined by commas, and name no single thing."""
    found: dict[str, list[str]] = {}
    for name, colon, value in (tag.partition(":") for tag in tags):
        if colon and value not in found.setdefault(name, []):
            found[name].append(value)
    return {name: ",".join(values) for name, values in found.items()}


def merged(tags: Mapping[str, str], texts: Iterable[str]) -> dict[str, str]:
    """The tags, completed by what scopes and queries ask for. What one text asks for several values of stays several; of
    several values of a tag, the one that a text asks for is meant.
    """
    found = dict(tags)
    several = {folded(name): name for name, value in tags.items() if "," in value}
    have = {folded(name) for name in tags}
    for text in texts:
        said: dict[str, list[str]] = {}
        for name, value in scoped(text):
            said.setdefault(name, []).append(value)
        for name, values in said.items():
            if folded(name) not in have:
                found[name] = ",".join(dict.fromkeys(values))
            elif folded(name) in several and len(set(values)) == 1:
                tag = several[folded(name)]
                if values[0] in found[tag].split(","):
                    found[tag] = values[0]
        have |= {folded(name) for name in said}
    return found
