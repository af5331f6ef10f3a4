"""What each look is as a command: ``kubectl`` with a verb that reads, or a registry's client that does. Pure data.

A look has ways, the most exact first; the first whose names are known is taken. ``{where}`` is the namespace, or all of
them; ``{object}``, ``{workload}`` and ``{pod}`` bring their namespace along. No way prints a Secret's values.

Source: kubernetes.io/docs/reference/kubectl (get, describe, logs, top, auth can-i, rollout history);
docs.docker.com/reference/cli/docker/manifest/inspect; github.com/containers/skopeo (list-tags).
"""

from __future__ import annotations

from decide.core.families.entry import Collected, Look

WAYS: dict[Look, tuple[str, ...]] = {
    "object": ("describe {object}",),
    "declared": ("get {workload} -o yaml", "get {object} -o yaml"),
    "pod": ("describe {pod}",),
    "said": (
        "logs {crashed} -c {container} --previous --tail=100",
        "logs {pod} -c {container} --tail=100",
        "logs {pod} --all-containers --tail=100",
        "logs {logged} --all-containers --tail=100",
    ),
    "history": ("rollout history {rollout}",),
    "pods": ("get pods {where} -o wide",),
    "controllers": ("get deployments,statefulsets,daemonsets,jobs {where}",),
    "events": (
        "get events --all-namespaces --field-selector involvedObject.name={sick_node}",
        "get events {where} --sort-by=.lastTimestamp",
    ),
    "usage": ("top pod {measured} --containers", "top pods {where} --containers"),
    "labels": ("get pods {where} --show-labels",),
    "registry": ("manifest inspect {image}",),
    "tags": ("list-tags docker://{image_repository}",),
    "configuration": ("get configmaps,secrets {where}",),
    "bounds": ("describe resourcequotas,limitranges {where}",),
    "quota": ("describe {quota}", "describe resourcequotas {where}"),
    "limit_range": ("describe limitranges {where}",),
    "accounts": ("get serviceaccounts {where}",),
    "rights": (
        "auth can-i --list -n {namespace} --as=system:serviceaccount:{namespace}:{account}",
        "auth can-i --list -n {namespace}",
    ),
    "webhooks": ("get validatingwebhookconfigurations,mutatingwebhookconfigurations",),
    "priority_classes": ("get priorityclasses",),
    "runtime_classes": ("get runtimeclasses",),
    "namespace": ("get namespace {namespace} -o yaml", "get namespaces"),
    "claims": ("describe {claim}", "describe persistentvolumeclaims {where}"),
    "volumes": ("get persistentvolumes,storageclasses",),
    "attachments": ("get volumeattachments",),
    "devices": (
        "get resourceclaims,resourceclaimtemplates {where}",
        "get deviceclasses,resourceslices",
    ),
    "leases": ("get leases {where}",),
    "grants": ("get referencegrants --all-namespaces",),
    "autoscalers": ("describe horizontalpodautoscalers {where}",),
    "budgets": ("get poddisruptionbudgets {where}",),
    "jobs": ("get jobs {where} --sort-by=.metadata.creationTimestamp",),
    "services": ("describe {service}", "get services {where} -o wide"),
    "endpoints": (
        "get endpointslices -n {namespace} -l kubernetes.io/service-name={service_name}",
        "get endpointslices {where}",
    ),
    "policies": ("describe networkpolicies {where}",),
    "routes": ("get {gateways} --all-namespaces", "get ingresses {where} -o wide"),
    "mesh": (
        "get virtualservices,destinationrules,authorizationpolicies,peerauthentications {where} -o yaml",
    ),
    "certificates": ("get secrets {where} --field-selector type=kubernetes.io/tls",),
    "node": ("describe node/{node}", "describe nodes"),
    "nodes": ("get nodes -o wide",),
    "node_labels": ("get nodes --show-labels",),
    "room": ("describe nodes",),
    "on_node": (
        "get pods --all-namespaces -o wide --field-selector spec.nodeName={node}",
        "get pods --all-namespaces -o wide",
    ),
    "node_usage": ("top nodes",),
    "kernel_inotify": ("describe node/{node}", "describe nodes"),
    "kernel_map_count": ("describe node/{node}", "describe nodes"),
    "kernel_conntrack": ("describe node/{node}", "describe nodes"),
    "kernel_open_files": ("describe node/{node}", "describe nodes"),
    "kernel_pids": ("describe node/{node}", "describe nodes"),
    "system": ("get pods -n kube-system -o wide",),
    "dns": ("logs -n kube-system -l k8s-app=kube-dns --tail=100",),
}
#: Who is asked, where that is not the cluster.
PROGRAMS: dict[Look, str] = {"registry": "docker", "tags": "skopeo"}
#: Where nothing else is known of a cause: it is somewhere here.
ANYWHERE: tuple[Look, ...] = ("object", "pod", "said", "events", "pods", "history")
#: What shows a source of evidence that K-Fix did not read.
INSTEAD: dict[Collected, Look] = {
    "pods": "pods",
    "controllers": "controllers",
    "events": "events",
    "nodes": "nodes",
    "services": "services",
    "endpoints": "endpoints",
    "claims": "claims",
    "policies": "bounds",
    "configuration": "configuration",
    "logs": "said",
    "metrics": "usage",
}
