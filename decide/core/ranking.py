"""Which finding is the cause: equal ones merge, the exact beats the general, causes beat symptoms. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from decide.core.families.gateways.rules import backends
from decide.core.findings import Finding
from decide.core.graph import calls
from decide.core.taxonomy import CLASSES
from decide.core.view import ClusterView
from schemas.base import ObjectRef

#: Below this the answer is a person's: rules alone were not sure enough in the reliability table.
SURE = 0.6
#: From here on it is not said that nothing is wrong.
DOUBT = 0.56
#: Classes that only say that something is wrong.
_VAGUE = frozenset(
    {
        "bad_rollout",
        "rollout_stuck",
        "crash_code",
        "undetermined",
        "healthy",
        "latency_regression",
        "error_rate_regression",
        "upstream_errors",
        "dependency_unavailable",
        "pod_network_delay",
        "job_failing",
        "pods_not_created",
        "init_container_failing",
    }
)
#: Classes that name a cause more exactly than another at the same object: the general one steps back.
_SHARPER: dict[str, frozenset[str]] = {
    "oom_killed": frozenset({"memory_leak"}),
    "crash_code": frozenset(
        {
            "bad_rollout",
            "image_platform_mismatch",
            "database_schema_missing",
            "heap_exhausted",
            "threads_exhausted",
            "file_descriptors_exhausted",
            "connection_pool_exhausted",
            "oom_killed",
            "sidecar_port_conflict",
            "volume_permission_denied",
            "database_credentials_invalid",
            "database_port_wrong",
            "missing_env",
            "crash_bad_config",
            "dns_config_broken",
            "bad_command",
            "env_address_mismatch",
            "liveness_probe_port",
            "liveness_probe_protocol",
            "liveness_probe_timing",
            "liveness_probe_path",
            "config_reference_missing",
        }
    ),
    "bad_rollout": frozenset(CLASSES) - _VAGUE - {"bad_rollout"},
    "rollout_stuck": frozenset(CLASSES) - _VAGUE - {"rollout_stuck"},
    "job_failing": frozenset(CLASSES) - _VAGUE - {"job_failing"},
    "init_container_failing": frozenset(CLASSES) - _VAGUE - {"init_container_failing"},
    "pod_network_delay": frozenset({"bad_rollout", "noisy_neighbour", "load_surge"}),
    "latency_regression": frozenset(
        {"bad_rollout", "load_surge", "cpu_saturation", "cpu_throttling", "pod_network_delay"}
    ),
    "error_rate_regression": frozenset(CLASSES)
    - {"error_rate_regression", "upstream_errors", "latency_regression", "undetermined", "healthy"},
    "cpu_throttling": frozenset({"load_surge"}),
    "cpu_saturation": frozenset({"load_surge"}),
    "cache_unavailable": frozenset(CLASSES) - _VAGUE - {"cache_unavailable"},
    "broker_unavailable": frozenset(CLASSES) - _VAGUE - {"broker_unavailable"},
    "upstream_errors": frozenset(CLASSES) - _VAGUE,
    "external_dependency_unavailable": frozenset(
        {"network_policy_blocks", "dns_config_broken", "env_address_mismatch", "missing_env"}
    ),
    "file_permission_denied": frozenset({"volume_permission_denied"}),
    "pods_not_created": frozenset(CLASSES) - _VAGUE - {"pods_not_created"},
    "database_port_wrong": frozenset(
        {"dns_config_broken", "env_address_mismatch", "database_credentials_invalid"}
    ),
    "pvc_pending": frozenset(
        {
            "pvc_storage_class_mismatch",
            "pvc_capacity_mismatch",
            "pvc_access_mode_mismatch",
            "pvc_selector_mismatch",
            "pv_bound_elsewhere",
        }
    ),
    "dependency_unavailable": frozenset(CLASSES)
    - {"dependency_unavailable", "undetermined", "healthy", "crash_code"},
    "crash_bad_config": frozenset(
        {
            "sidecar_port_conflict",
            "database_credentials_invalid",
            "volume_permission_denied",
            "missing_env",
            "database_port_wrong",
            "dns_config_broken",
        }
    ),
    "node_not_ready": frozenset({"node_runtime_unavailable", "node_kubelet_unavailable"}),
    "node_kubelet_unavailable": frozenset({"node_runtime_unavailable"}),
}


def rank(view: ClusterView, found: Iterable[Finding]) -> list[Finding]:
    """Merges equal findings, lowers what others explain, sorts. One cause may explain many objects."""
    merged: dict[tuple[str, str], Finding] = {}
    for finding in found:
        key = (finding.failure_class, finding.object.key)
        other = merged.get(key)
        if other is None or finding.score > other.score:
            merged[key] = finding
            extra = other.evidence if other else []
        else:
            extra = finding.evidence
        kept = merged[key]
        kept.evidence = list(dict.fromkeys([*kept.evidence, *extra]))[:8]
    findings = list(merged.values())
    _step_back(findings)
    _explained_by_nodes(view, findings)
    _explained_by_callees(view, findings)
    _focus_on_subject(view, findings)
    return sorted(findings, key=lambda f: (-f.score, f.failure_class, f.object.key))


def _step_back(findings: list[Finding]) -> None:
    by_object: dict[str, list[Finding]] = {}
    for finding in findings:
        by_object.setdefault(finding.object.name, []).append(finding)
    for group in by_object.values():
        for finding in group:
            sharper = _SHARPER.get(finding.failure_class, frozenset())
            better = [o for o in group if o.failure_class in sharper and o.score >= 0.5]
            if better:
                finding.score = min(finding.score, max(o.score for o in better) - 0.15)
                finding.against.append(f"{better[0].failure_class} says it more exactly")


def _explained_by_nodes(view: ClusterView, findings: list[Finding]) -> None:
    """A node that is down explains what happens to its pods."""
    down = {f.object.name: f for f in findings if f.object.kind == "Node" and f.score >= 0.75}
    if not down:
        return
    network = any(
        f.failure_class in ("node_network_delay", "node_network_loss") for f in down.values()
    )
    for finding in findings:
        workload = finding.facts.get("workload")
        places = {p.node for p in getattr(workload, "pods", ()) if p.node}
        below = finding.object.kind != "Node" and bool(places & set(down))
        if not below and not (network and finding.failure_class == "pod_network_delay"):
            continue
        finding.score = min(finding.score * 0.6, 0.55)
        finding.against.append("a node explains it")


def _explained_by_callees(view: ClusterView, findings: list[Finding]) -> None:
    """A caller that only complains about a callee, while the callee has a cause of its own."""
    symptoms = (
        "crash_code",
        "database_port_wrong",
        "dependency_unavailable",
        "route_backend_mismatch",
        "upstream_errors",
        "connection_pool_exhausted",
        "error_rate_regression",
        "latency_regression",
        "cache_unavailable",
        "broker_unavailable",
        "init_container_failing",
    )
    graph = calls(view) if any(f.failure_class in symptoms for f in findings) else {}
    causes = {f.object.key for f in findings if f.score >= 0.85 and f.failure_class not in symptoms}
    databases = [
        f
        for f in findings
        if f.failure_class
        in ("database_connections_exhausted", "database_read_only", "database_disk_full")
        and f.score > 0.8
    ]
    for finding in findings:
        if finding.failure_class not in symptoms:
            continue
        below = graph.get(finding.object.key, set()) & causes
        if below or (databases and finding.failure_class in ("crash_code", "database_port_wrong")):
            finding.score = min(finding.score * 0.6, 0.5)
            finding.against.append(
                f"{sorted(below)[0] if below else databases[0].object.key} explains it"
            )


def _focus_on_subject(view: ClusterView, findings: list[Finding]) -> None:
    """What the alert itself points at counts a little more; what has nothing to do with it is no cause of it.

    A namespace can hold several troubles at once: each has its own alert, and one alert's fix must not be another's.
    """
    subject = view.bundle.k8s_context.subject
    named = {str(a.get("entry_service") or a.get("name") or "") for a in view.anomalies} - {""}
    named |= view.mentioned
    related = _related(view, subject) if subject is not None else None
    own = [f.score for f in findings if related is not None and _concerns(view, f, related)]
    for finding in findings:
        if subject is not None and finding.object.name == subject.name:
            finding.score = min(0.98, finding.score + 0.03)
        elif finding.object.name in named:
            finding.score = min(0.98, finding.score + 0.01)
        if (
            related is not None
            and finding.object.kind not in _SHARED
            and not _concerns(view, finding, related)
        ):
            finding.elsewhere = finding.score >= SURE
            below = max(own, default=0.0) - 0.05  # what is known of the subject itself comes first
            most = min(_UNRELATED, below if below > 0.25 else 1.0)
            finding.score = min(finding.score, most - 0.02 * (1 - finding.score))  # in their order
            finding.against.append(
                "the alert is about another workload, which does not depend on this one"
            )


def _concerns(view: ClusterView, finding: Finding, related: set[str]) -> bool:
    """It is about one of the names: as its object, or through what the object leads to or aims at."""
    if finding.object.name in related or finding.failure_class == "cluster_dns_down":
        return True
    facts = finding.facts
    for key in ("workload", "caller", "victim", "peer"):
        if getattr(facts.get(key), "name", None) in related:
            return True
    if finding.object.kind in _ROUTES:
        for backend in backends(view):
            if backend.owner.key == finding.object.key:
                behind = view.resolve(backend.namespace, backend.name)
                if backend.name in related or (behind is not None and behind.name in related):
                    return True
    aimed = finding.object.kind in _AIMED
    return aimed and any(str(facts.get(key) or "") in related for key in ("name", "near", "right"))


#: Kinds that lead to workloads, and kinds that aim at one by name.
_ROUTES = frozenset({"Ingress", "HTTPRoute", "GRPCRoute", "VirtualService"})
_AIMED = _ROUTES | {"HorizontalPodAutoscaler", "PodDisruptionBudget", "PersistentVolumeClaim"}
#: Kinds whose trouble is everybody's.
_SHARED = frozenset({"Node", "Namespace", "ResourceQuota", "LimitRange"})
#: Below ``SURE``: a person looks before another workload is changed for this alert.
_UNRELATED = 0.55


def _related(view: ClusterView, subject: ObjectRef) -> set[str]:
    """Names of the subject and of everything it calls, directly or not."""
    graph = calls(view)
    seen, stack = {subject.name}, [subject.key]
    while stack:
        for callee in graph.get(stack.pop(), ()):
            name = callee.rpartition("/")[2]
            if name not in seen:
                seen.add(name)
                stack.append(callee)
    return seen
