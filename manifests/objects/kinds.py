"""The kinds that K-Fix knows: group, versions, plural, scope and kubectl's short names, in one table.

Add-ons' short names are left out: ``app`` or ``cert`` as a file's name mostly means something else.

Sources: ``kubectl api-resources`` of Kubernetes 1.37, and the CRDs of Gateway API 1.0, Istio 1.22, cert-manager 1.0,
Argo, Prometheus' operator, KEDA and the vertical autoscaler, in the version that each has served since.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """One resource. ``versions``: the preferred first; ``short``: kubectl's short names."""

    kind: str
    plural: str
    group: str = ""
    versions: tuple[str, ...] = ("v1",)
    namespaced: bool = True
    short: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """``v1``, or ``apps/v1``: the preferred one."""
        return f"{self.group}/{self.versions[0]}" if self.group else self.versions[0]


def _of(
    group: str, *names: str, versions: tuple[str, ...] = ("v1",), namespaced: bool = True
) -> Iterable[ResourceKind]:
    """Kinds of one group, each as ``Kind plural short…``."""
    for name in names:
        kind, plural, *short = name.split()
        yield ResourceKind(kind, plural, group, versions, namespaced, tuple(short))


#: In the order in which a kind without a group is looked for: Kubernetes' own first.
KINDS: tuple[ResourceKind, ...] = (
    *_of(
        "",
        "Pod pods po",
        "Service services svc",
        "Endpoints endpoints ep",
        "Event events ev",
        "ConfigMap configmaps cm",
        "Secret secrets",
        "ServiceAccount serviceaccounts sa",
        "PersistentVolumeClaim persistentvolumeclaims pvc",
        "ResourceQuota resourcequotas quota",
        "LimitRange limitranges limits",
        "ReplicationController replicationcontrollers rc",
        "PodTemplate podtemplates",
    ),
    *_of(
        "",
        "Namespace namespaces ns",
        "Node nodes no",
        "PersistentVolume persistentvolumes pv",
        "ComponentStatus componentstatuses cs",
        namespaced=False,
    ),
    *_of(
        "apps",
        "Deployment deployments deploy",
        "ReplicaSet replicasets rs",
        "StatefulSet statefulsets sts",
        "DaemonSet daemonsets ds",
        "ControllerRevision controllerrevisions",
    ),
    *_of("batch", "Job jobs", "CronJob cronjobs cj"),
    *_of(
        "autoscaling", "HorizontalPodAutoscaler horizontalpodautoscalers hpa", versions=("v2", "v1")
    ),
    *_of("policy", "PodDisruptionBudget poddisruptionbudgets pdb"),
    *_of("networking.k8s.io", "Ingress ingresses ing", "NetworkPolicy networkpolicies netpol"),
    *_of("networking.k8s.io", "IngressClass ingressclasses", namespaced=False),
    *_of("discovery.k8s.io", "EndpointSlice endpointslices"),
    *_of(
        "storage.k8s.io",
        "StorageClass storageclasses sc",
        "VolumeAttachment volumeattachments",
        "CSIDriver csidrivers",
        "CSINode csinodes",
        namespaced=False,
    ),
    *_of("storage.k8s.io", "CSIStorageCapacity csistoragecapacities"),
    *_of("snapshot.storage.k8s.io", "VolumeSnapshot volumesnapshots"),
    *_of("scheduling.k8s.io", "PriorityClass priorityclasses pc", namespaced=False),
    *_of("node.k8s.io", "RuntimeClass runtimeclasses", namespaced=False),
    *_of("coordination.k8s.io", "Lease leases"),
    *_of("rbac.authorization.k8s.io", "Role roles", "RoleBinding rolebindings"),
    *_of(
        "rbac.authorization.k8s.io",
        "ClusterRole clusterroles",
        "ClusterRoleBinding clusterrolebindings",
        namespaced=False,
    ),
    *_of(
        "flowcontrol.apiserver.k8s.io",
        "FlowSchema flowschemas",
        "PriorityLevelConfiguration prioritylevelconfigurations",
        namespaced=False,
    ),
    *_of(
        "apiextensions.k8s.io",
        "CustomResourceDefinition customresourcedefinitions crd crds",
        namespaced=False,
    ),
    *_of("apiregistration.k8s.io", "APIService apiservices", namespaced=False),
    *_of(
        "certificates.k8s.io",
        "CertificateSigningRequest certificatesigningrequests csr",
        namespaced=False,
    ),
    *_of(
        "admissionregistration.k8s.io",
        "MutatingWebhookConfiguration mutatingwebhookconfigurations",
        "ValidatingWebhookConfiguration validatingwebhookconfigurations",
        "ValidatingAdmissionPolicy validatingadmissionpolicies",
        "ValidatingAdmissionPolicyBinding validatingadmissionpolicybindings",
        namespaced=False,
    ),
    *_of(
        "argoproj.io",
        "Rollout rollouts",
        "AnalysisRun analysisruns",
        "Application applications",
        "ApplicationSet applicationsets",
        versions=("v1alpha1",),
    ),
    *_of("gateway.networking.k8s.io", "HTTPRoute httproutes", "GRPCRoute grpcroutes"),
    *_of("gateway.networking.k8s.io", "GatewayClass gatewayclasses", namespaced=False),
    *_of("gateway.networking.k8s.io", "ReferenceGrant referencegrants", versions=("v1beta1",)),
    *_of(
        "resource.k8s.io",
        "ResourceClaim resourceclaims",
        "ResourceClaimTemplate resourceclaimtemplates",
    ),
    *_of(
        "resource.k8s.io",
        "DeviceClass deviceclasses",
        "ResourceSlice resourceslices",
        namespaced=False,
    ),
    *_of(
        "gateway.networking.k8s.io",
        "TCPRoute tcproutes",
        "TLSRoute tlsroutes",
        versions=("v1alpha2",),
    ),
    *_of(
        "networking.istio.io",
        "VirtualService virtualservices",
        "DestinationRule destinationrules",
        "Gateway gateways",
        "ServiceEntry serviceentries",
        "Sidecar sidecars",
    ),
    *_of("gateway.networking.k8s.io", "Gateway gateways"),
    *_of("networking.istio.io", "EnvoyFilter envoyfilters", versions=("v1alpha3",)),
    *_of(
        "security.istio.io",
        "PeerAuthentication peerauthentications",
        "AuthorizationPolicy authorizationpolicies",
    ),
    *_of(
        "cert-manager.io",
        "Certificate certificates",
        "CertificateRequest certificaterequests",
        "Issuer issuers",
    ),
    *_of("cert-manager.io", "ClusterIssuer clusterissuers", namespaced=False),
    *_of(
        "monitoring.coreos.com",
        "ServiceMonitor servicemonitors",
        "PodMonitor podmonitors",
        "PrometheusRule prometheusrules",
    ),
    *_of("autoscaling.k8s.io", "VerticalPodAutoscaler verticalpodautoscalers"),
    *_of("keda.sh", "ScaledObject scaledobjects", versions=("v1alpha1",)),
)
#: Kinds that make pods, by plural, in the order in which a bare name is looked for.
WORKLOADS: dict[str, str] = {
    "deployments": "Deployment",
    "statefulsets": "StatefulSet",
    "daemonsets": "DaemonSet",
    "jobs": "Job",
    "cronjobs": "CronJob",
    "replicasets": "ReplicaSet",
    "replicationcontrollers": "ReplicationController",
    "rollouts": "Rollout",
}
#: Served as ``pods`` and ``nodes`` of ``metrics.k8s.io``; where objects are kept by plural they have names of their own.
_METRICS = {"podmetrics": "PodMetrics", "nodemetrics": "NodeMetrics"}
_BY_KIND: dict[str, ResourceKind] = {}
_BY_PLURAL: dict[str, ResourceKind] = {}
_BY_SHORT: dict[str, str] = {}
for _kind in KINDS:
    _BY_KIND.setdefault(_kind.kind.lower(), _kind)
    _BY_PLURAL.setdefault(_kind.plural, _kind)
    _BY_SHORT |= dict.fromkeys(_kind.short, _kind.plural)


def known(kind: str, api_version: str = "") -> ResourceKind | None:
    """The table's entry for a kind in any case; with ``api_version`` only one of its group."""
    found = _BY_KIND.get(kind.lower())
    if found is None or not api_version or found.group == api_version.rpartition("/")[0]:
        return found
    group = api_version.rpartition("/")[0]
    same = (k for k in KINDS if k.kind.lower() == kind.lower() and k.group == group)
    return next(same, None)


def plural_of(kind: str) -> str:
    """``NetworkPolicy`` → ``networkpolicies``, as the API's paths spell it.

    For a kind that is not in the table, the English plural, as makers of CRDs spell theirs.
    """
    found = _BY_KIND.get(kind.lower())
    if found is not None:
        return found.plural
    word = kind.lower()
    if word in _METRICS:
        return word
    if word.endswith(("s", "x", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and not re.search(r"[aeiou]y$", word):
        return word[:-1] + "ies"
    return word + "s"


def kind_of(plural: str) -> str:
    """``networkpolicies`` → ``NetworkPolicy``; empty for a plural that is not in the table."""
    found = _BY_PLURAL.get(plural)
    return found.kind if found is not None else _METRICS.get(plural, "")


def version_of(kind: str) -> str:
    """The preferred ``apiVersion`` of a kind; empty for one that is not in the table."""
    found = known(kind)
    return found.api_version if found is not None else ""


def is_namespaced(kind: str) -> bool:
    """Have objects of the kind a namespace? Of one that is not in the table it is taken for granted."""
    found = known(kind)
    return found is None or found.namespaced


def plural_named(stem: str) -> str:
    """The plural that a file's name says: ``pods``, ``replication-controllers``, ``deployment``, ``svc``, ``pods.v1``.

    Empty when it says none: ``all``, ``dump``, ``my-app``.
    """
    word = re.sub(r"[-_ ]", "", stem.lower().partition(".")[0])
    if kind_of(word):
        return word
    found = _BY_KIND.get(word)
    return plural_of(found.kind) if found is not None else _BY_SHORT.get(word, "")
