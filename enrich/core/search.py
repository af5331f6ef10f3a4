"""By which names logs and metrics of an alert's subject are found. Pure.

Names are Datadog's tags (https://docs.datadoghq.com/containers/kubernetes/tag/): of workloads, and the unified ones that a
workload gives its telemetry itself (https://docs.datadoghq.com/getting_started/tagging/unified_service_tagging/). A name that
nobody says is left out: a search with an invented one finds nothing, or somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from enrich.core.names import Named, first_tag
from enrich.core.objects import ObjectIndex
from kfix.incident import service_names
from kfix.incident.metric_queries import WORKLOAD_TAGS, cluster_tag
from kfix.incident.traces import operations_in
from manifests.objects.meta import labels_of
from manifests.objects.pods import containers_in, template_of
from manifests.objects.shapes import mapping, mappings
from schemas.base import Json, ObjectRef
from schemas.context import Traffic

#: Unified tag to its label of a pod and to its variable of a container.
_UNIFIED = {
    "service": (service_names.LABEL, service_names.VARIABLE),
    "env": (service_names.ENVIRONMENT_LABEL, service_names.ENVIRONMENT_VARIABLE),
}


def search_names(
    who: Named,
    subject: ObjectRef | None,
    tags: Mapping[str, str],
    objects: Mapping[str, Iterable[Json]],
    *,
    cluster: str = "",
    query: str = "",
) -> dict[str, str]:
    """Tag to value: what the alert's tags say, then what the subject's pods say of themselves.

    ``operation_name`` has the operations that the alert or the rule's ``query`` watches, with commas.
    """
    workload = subject or who.workload
    own = _own_tags(workload, objects)
    names = {
        "kube_cluster_name": cluster_tag(tags, cluster),
        "kube_namespace": who.namespace or (workload.namespace if workload else ""),
        "service": first_tag(tags, "service") or own.get("service", ""),
        "env": first_tag(tags, "env") or own.get("env", ""),
        "operation_name": first_tag(tags, "operation_name") or ",".join(operations_in(query)),
    }
    if workload is not None and workload.kind in WORKLOAD_TAGS:
        names[WORKLOAD_TAGS[workload.kind]] = workload.name
    elif who.pod or (workload is not None and workload.kind == "Pod"):
        names["pod_name"] = who.pod or (workload.name if workload else "")
    return {tag: value for tag, value in names.items() if value}


def traffic_of(names: Mapping[str, str]) -> Traffic:
    """Whose requests the names mean."""
    operations = names.get("operation_name", "")
    return Traffic(
        service=names.get("service", ""),
        env=names.get("env", ""),
        operations=tuple(one for one in operations.split(",") if one),
    )


def _own_tags(workload: ObjectRef | None, objects: Mapping[str, Iterable[Json]]) -> dict[str, str]:
    """The unified tags of a workload's pods, of its template's labels, else where all containers say the same."""
    if workload is None:
        return {}
    found = ObjectIndex(objects).find(workload.kind, workload.namespace, workload.name)
    template = template_of(found, workload.kind) if found else {}
    labels, containers = labels_of(template), containers_in(mapping(template, "spec"))
    told = {
        tag: str(labels.get(label) or "") or _same(containers, variable)
        for tag, (label, variable) in _UNIFIED.items()
    }
    return {tag: value for tag, value in told.items() if value}


def _same(containers: Iterable[Json], variable: str) -> str:
    values = {
        str(one.get("value") or "")
        for container in containers
        for one in mappings(container, "env")
        if one.get("name") == variable
    }
    return values.pop() if len(values) == 1 else ""
