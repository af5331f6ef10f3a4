"""Which API serves which kind. A table for the kinds K-Fix knows, discovery for the rest (custom resources)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: a path with ``{placeholders}``, what to fill them with (quoted), and the query."""

    path: str
    names: dict[str, str] = field(default_factory=dict)
    query: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.path.format(**self.names)


@dataclass(frozen=True, slots=True)
class Kind:
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


def _kinds(version: str, namespaced: bool, *names: str) -> list[Kind]:
    out = []
    for name in names:
        plural, kind = name.split(":")
        out.append(Kind(version, plural, kind, namespaced))
    return out


KNOWN: tuple[Kind, ...] = (
    *_kinds(
        "v1",
        True,
        "pods:Pod",
        "services:Service",
        "endpoints:Endpoints",
        "events:Event",
        "configmaps:ConfigMap",
        "secrets:Secret",
        "serviceaccounts:ServiceAccount",
        "persistentvolumeclaims:PersistentVolumeClaim",
        "resourcequotas:ResourceQuota",
        "limitranges:LimitRange",
        "replicationcontrollers:ReplicationController",
    ),
    *_kinds(
        "v1", False, "namespaces:Namespace", "nodes:Node", "persistentvolumes:PersistentVolume"
    ),
    *_kinds(
        "apps/v1",
        True,
        "deployments:Deployment",
        "replicasets:ReplicaSet",
        "statefulsets:StatefulSet",
        "daemonsets:DaemonSet",
        "controllerrevisions:ControllerRevision",
    ),
    *_kinds("batch/v1", True, "jobs:Job", "cronjobs:CronJob"),
    *_kinds("autoscaling/v2", True, "horizontalpodautoscalers:HorizontalPodAutoscaler"),
    *_kinds("policy/v1", True, "poddisruptionbudgets:PodDisruptionBudget"),
    *_kinds("networking.k8s.io/v1", True, "ingresses:Ingress", "networkpolicies:NetworkPolicy"),
    *_kinds("networking.k8s.io/v1", False, "ingressclasses:IngressClass"),
    *_kinds("discovery.k8s.io/v1", True, "endpointslices:EndpointSlice"),
    *_kinds("storage.k8s.io/v1", False, "storageclasses:StorageClass"),
    *_kinds("scheduling.k8s.io/v1", False, "priorityclasses:PriorityClass"),
    *_kinds("rbac.authorization.k8s.io/v1", True, "roles:Role", "rolebindings:RoleBinding"),
    # Add-ons, in the version that each has served since: Gateway API 1.0, Istio 1.22, cert-manager 1.0, VPA 0.9.
    *_kinds("gateway.networking.k8s.io/v1", True, "httproutes:HTTPRoute"),
    *_kinds(
        "networking.istio.io/v1",
        True,
        "virtualservices:VirtualService",
        "destinationrules:DestinationRule",
    ),
    *_kinds(
        "security.istio.io/v1",
        True,
        "authorizationpolicies:AuthorizationPolicy",
        "peerauthentications:PeerAuthentication",
    ),
    *_kinds("cert-manager.io/v1", True, "certificates:Certificate"),
    *_kinds("autoscaling.k8s.io/v1", True, "verticalpodautoscalers:VerticalPodAutoscaler"),
)


class Table:
    """Finds kinds by plural (``deployments``, ``rollouts.argoproj.io``) or by kind and apiVersion."""

    def __init__(self) -> None:
        self._by_plural: dict[str, Kind] = {kind.plural: kind for kind in KNOWN}
        self._by_kind: dict[tuple[str, str], Kind] = {}
        for kind in KNOWN:
            self.add(kind)

    def add(self, kind: Kind) -> None:
        """Adds what discovery found; the table's own kinds keep their names."""
        group = kind.version.rpartition("/")[0]
        self._by_plural.setdefault(kind.plural, kind)
        if group:
            self._by_plural.setdefault(f"{kind.plural}.{group}", kind)
        self._by_kind.setdefault((kind.version, kind.kind.lower()), kind)
        self._by_kind.setdefault(("", kind.kind.lower()), kind)

    def plural(self, name: str) -> Kind | None:
        """By plural, with or without ``.group``; ``None``: unknown so far."""
        return self._by_plural.get(name.lower())

    def kind(self, api_version: str, kind: str) -> Kind | None:
        """By ``kind`` and ``apiVersion``; an empty apiVersion takes the first kind of that name."""
        return self._by_kind.get((api_version, kind.lower()))


def from_resource_list(document: dict[str, Any]) -> list[Kind]:
    """Kinds of an ``APIResourceList``; subresources left out."""
    version = str(document.get("groupVersion", ""))
    return [
        Kind(version, str(r["name"]), str(r["kind"]), bool(r.get("namespaced")))
        for r in document.get("resources", ())
        if isinstance(r, dict) and "/" not in str(r.get("name", "/")) and r.get("kind")
    ]
