"""The kinds that Kubernetes and common add-ons list, by the names that people and tools give their files. Pure.

Source: ``kubectl api-resources`` of Kubernetes 1.34, and the CRDs of Argo, Istio, cert-manager and Prometheus.
"""

from __future__ import annotations

import re

_KINDS = (
    "Pod",
    "Node",
    "Namespace",
    "Service",
    "Endpoints",
    "Event",
    "ConfigMap",
    "Secret",
    "ServiceAccount",
    "ResourceQuota",
    "LimitRange",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ReplicationController",
    "PodTemplate",
    "ComponentStatus",
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "ControllerRevision",
    "Job",
    "CronJob",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "Ingress",
    "IngressClass",
    "NetworkPolicy",
    "EndpointSlice",
    "StorageClass",
    "VolumeAttachment",
    "CSIDriver",
    "CSINode",
    "CSIStorageCapacity",
    "VolumeSnapshot",
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
    "PriorityClass",
    "RuntimeClass",
    "Lease",
    "FlowSchema",
    "PriorityLevelConfiguration",
    "CustomResourceDefinition",
    "APIService",
    "CertificateSigningRequest",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "PodMetrics",
    "NodeMetrics",
    "Rollout",
    "AnalysisRun",
    "Application",
    "VirtualService",
    "DestinationRule",
    "Gateway",
    "ServiceEntry",
    "Sidecar",
    "PeerAuthentication",
    "AuthorizationPolicy",
    "EnvoyFilter",
    "HTTPRoute",
    "GRPCRoute",
    "Certificate",
    "CertificateRequest",
    "Issuer",
    "ClusterIssuer",
    "ServiceMonitor",
    "PodMonitor",
    "PrometheusRule",
    "VerticalPodAutoscaler",
    "ScaledObject",
)
#: kubectl's short names.
_SHORT = {
    "po": "pods",
    "no": "nodes",
    "ns": "namespaces",
    "svc": "services",
    "ep": "endpoints",
    "ev": "events",
    "cm": "configmaps",
    "sa": "serviceaccounts",
    "quota": "resourcequotas",
    "limits": "limitranges",
    "pv": "persistentvolumes",
    "pvc": "persistentvolumeclaims",
    "rc": "replicationcontrollers",
    "deploy": "deployments",
    "rs": "replicasets",
    "sts": "statefulsets",
    "ds": "daemonsets",
    "cj": "cronjobs",
    "hpa": "horizontalpodautoscalers",
    "pdb": "poddisruptionbudgets",
    "ing": "ingresses",
    "netpol": "networkpolicies",
    "sc": "storageclasses",
    "pc": "priorityclasses",
    "crd": "customresourcedefinitions",
}


def plural_of(kind: str) -> str:
    """``NetworkPolicy`` → ``networkpolicies``, as the API's paths spell it."""
    word = kind.lower()
    if word.endswith(("s", "x", "ch", "sh")) and not word.endswith(("endpoints", "metrics")):
        return word + "es"
    if word.endswith("y") and not re.search(r"[aeiou]y$", word):
        return word[:-1] + "ies"
    return word if word.endswith("s") else word + "s"


#: ``networkpolicies`` → ``NetworkPolicy``. A kind that is not here has no kind but the one its objects say.
KIND_OF: dict[str, str] = {plural_of(kind): kind for kind in _KINDS}
_SINGULAR = {kind.lower(): plural for plural, kind in KIND_OF.items()}


def plural_named(stem: str) -> str:
    """The plural that a file's name says: ``pods``, ``replication-controllers``, ``deployment``, ``svc``, ``pods.v1``.

    Empty when it says none: ``all``, ``dump``, ``my-app``.
    """
    word = re.sub(r"[-_ ]", "", stem.lower().partition(".")[0])
    if word in KIND_OF:
        return word
    return _SINGULAR.get(word) or _SHORT.get(word, "")
