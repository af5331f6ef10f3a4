"""Which API serves which kind: the table of objects for the kinds that every cluster has, discovery for the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from manifests.objects import kinds
from schemas import errors


@dataclass(frozen=True, slots=True)
class RequestTarget:
    """Where a request goes: a path with ``{placeholders}``, what to fill them with (quoted), and the query."""

    path: str
    names: dict[str, str] = field(default_factory=dict)
    query: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.path.format(**self.names)


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One resource: ``version`` is ``v1`` or ``group/version``, ``plural`` its name in paths."""

    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def collection(self) -> str:
        """Path of all objects, over all namespaces."""
        root = "/api" if "/" not in self.version else "/apis"
        return f"{root}/{self.version}/{self.plural}"

    @property
    def in_namespace(self) -> str:
        """Path of one namespace's objects, with ``{namespace}`` to fill; the collection for cluster-scoped kinds."""
        if not self.namespaced:
            return self.collection
        root = "/api" if "/" not in self.version else "/apis"
        return f"{root}/{self.version}/namespaces/{{namespace}}/{self.plural}"

    @property
    def custom(self) -> bool:
        """Served from a CustomResourceDefinition (as far as the group's name tells): no strategic merge there."""
        group = self.version.partition("/")[0]
        return "." in group and not group.endswith(".k8s.io")


#: Kinds that are asked for without discovery: their versions have been served for as long as clusters are supported.
_SURE = (
    *("Pod", "Service", "Endpoints", "Event", "ConfigMap", "Secret", "ServiceAccount"),
    *("PersistentVolumeClaim", "ResourceQuota", "LimitRange", "ReplicationController"),
    *("Namespace", "Node", "PersistentVolume"),
    *("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ControllerRevision"),
    *("Job", "CronJob", "HorizontalPodAutoscaler", "PodDisruptionBudget"),
    *("Ingress", "NetworkPolicy", "IngressClass", "EndpointSlice", "StorageClass"),
    *("PriorityClass", "Role", "RoleBinding"),
    *("HTTPRoute", "VirtualService", "DestinationRule", "AuthorizationPolicy"),
    *("PeerAuthentication", "Certificate", "Issuer", "ClusterIssuer", "VerticalPodAutoscaler"),
)


def _known(name: str) -> ResourceType:
    found = kinds.known(name)
    if found is None:
        raise errors.Defect(f"{name} is not in the table of kinds")
    return ResourceType(found.api_version, found.plural, found.kind, found.namespaced)


KNOWN: tuple[ResourceType, ...] = tuple(_known(name) for name in _SURE)


class Table:
    """Finds kinds by plural (``deployments``, ``rollouts.argoproj.io``) or by kind and apiVersion."""

    def __init__(self) -> None:
        self._by_plural: dict[str, ResourceType] = {kind.plural: kind for kind in KNOWN}
        self._by_kind: dict[tuple[str, str], ResourceType] = {}
        for kind in KNOWN:
            self.add(kind)

    def add(self, kind: ResourceType) -> None:
        """Adds what discovery found; the table's own kinds keep their names."""
        group = kind.version.rpartition("/")[0]
        self._by_plural.setdefault(kind.plural, kind)
        if group:
            self._by_plural.setdefault(f"{kind.plural}.{group}", kind)
        self._by_kind.setdefault((kind.version, kind.kind.lower()), kind)
        self._by_kind.setdefault(("", kind.kind.lower()), kind)

    def plural(self, name: str) -> ResourceType | None:
        """By plural, with or without ``.group``; ``None``: unknown so far."""
        return self._by_plural.get(name.lower())

    def kind(self, api_version: str, kind: str) -> ResourceType | None:
        """By ``kind`` and ``apiVersion``; an empty apiVersion takes the first kind of that name."""
        return self._by_kind.get((api_version, kind.lower()))


def from_resource_list(document: dict[str, Any]) -> list[ResourceType]:
    """Kinds of an ``APIResourceList``; subresources left out."""
    version = str(document.get("groupVersion", ""))
    return [
        ResourceType(version, str(r["name"]), str(r["kind"]), bool(r.get("namespaced")))
        for r in document.get("resources", ())
        if isinstance(r, dict) and "/" not in str(r.get("name", "/")) and r.get("kind")
    ]
