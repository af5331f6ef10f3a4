"""What else it could have been: causes that look like the first one, with why they are less likely. Pure.

An engineer who reads one answer asks "and not …?". For each class its usual confounders are named; their rules found
nothing, so they stand low, with what would have shown them and was not seen, or was not collected.
"""

from __future__ import annotations

from collections.abc import Sequence

from decide.core.findings import Finding
from decide.core.taxonomy import CLASSES
from decide.core.view import ClusterView, node_ref

#: A diagnosis names at least this many hypotheses.
LEAST = 3
#: Belief of the first that is filled in; each further one has a little less.
_LOW, _STEP = 0.12, 0.02

_PROBED = ("crash_code", "dependency_unavailable", "cpu_throttling")
_PULLED = (
    "image_not_found",
    "image_registry_unreachable",
    "image_pull_secret_missing",
    "image_platform_mismatch",
)
_UNPLACED = (
    "insufficient_cpu",
    "insufficient_memory",
    "taint_not_tolerated",
    "node_cordoned",
    "node_selector_mismatch",
)
_UNREACHED = (
    "network_policy_blocks",
    "service_selector_mismatch",
    "dns_config_broken",
    "mesh_policy_blocks",
)
_SLOWED = ("cpu_throttling", "pod_network_delay", "node_network_delay", "latency_regression")
_REFUSED = (
    "quota_pods_exceeded",
    "missing_service_account",
    "webhook_refused",
    "limit_range_violated",
)
_CRASHED = ("crash_bad_config", "missing_env", "database_credentials_invalid", "bad_rollout")

#: By class, else by family: what it is most often taken for.
_OF_CLASS: dict[str, tuple[str, ...]] = {
    "oom_killed": ("memory_leak", "node_pressure", "load_surge"),
    "memory_leak": ("oom_killed", "load_surge", "node_pressure"),
    "cpu_throttling": ("load_surge", "noisy_neighbour", "pod_network_delay"),
    "zero_replicas": (
        "autoscaler_without_metrics",
        "quota_pods_exceeded",
        "service_selector_mismatch",
    ),
    "config_reference_missing": ("bad_rollout", "missing_service_account", "rbac_denied"),
    "bad_command": ("image_platform_mismatch", "container_create_failed", "bad_rollout"),
    "volume_permission_denied": (
        "file_permission_denied",
        "volume_mount_failed",
        "crash_bad_config",
    ),
    "sidecar_port_conflict": ("crash_bad_config", "bad_rollout", "host_port_conflict"),
    "healthy": ("recovered", "flapping_within_bounds", "alert_noise"),
    "recovered": ("flapping_within_bounds", "alert_noise", "healthy"),
    "flapping_within_bounds": ("recovered", "alert_noise", "healthy"),
    "undetermined": ("dependency_unavailable", "bad_rollout", "node_not_ready"),
    "scheduler_unavailable": ("scheduler_unknown", "insufficient_cpu", "node_cordoned"),
    "autoscaler_at_ceiling": ("load_surge", "cpu_throttling", "autoscaler_conflict"),
    "network_policy_blocks": ("dependency_unavailable", "mesh_policy_blocks", "dns_config_broken"),
    "certificate_invalid": (
        "mesh_policy_blocks",
        "crash_bad_config",
        "external_dependency_unavailable",
    ),
}
_OF_FAMILY: dict[str, tuple[str, ...]] = {
    "resources": ("oom_killed", "cpu_throttling", "load_surge", "node_pressure"),
    "admission": _REFUSED,
    "scheduling": _UNPLACED,
    "startup": (
        "bad_rollout",
        "config_reference_missing",
        "node_runtime_unavailable",
        "crash_code",
    ),
    "runtime": _CRASHED,
    "services": _UNREACHED,
    "dependencies": (
        "dependency_unavailable",
        "network_policy_blocks",
        "connection_pool_exhausted",
        "database_credentials_invalid",
    ),
    "performance": _SLOWED,
    "nodes": (
        "node_kubelet_unavailable",
        "node_runtime_unavailable",
        "node_pressure",
        "node_network_delay",
    ),
    "nothing": ("recovered", "flapping_within_bounds", "alert_noise"),
    "human": ("dependency_unavailable", "bad_rollout", "node_not_ready"),
}


def complete(view: ClusterView, ranked: Sequence[Finding]) -> list[Finding]:
    """The findings, filled up to ``LEAST`` with what the first is most often taken for."""
    out = list(ranked)
    first = out[0]
    named = {f.failure_class for f in out}
    lowest = min(f.score for f in out)
    for class_id in _candidates(first.failure_class):
        if len(out) >= LEAST:
            break
        if class_id in named:
            continue
        score = max(0.02, min(_LOW - _STEP * (len(out) - len(ranked)), lowest - 0.01))
        out.append(_rival(view, first, class_id, score))
    return out


def _candidates(class_id: str) -> tuple[str, ...]:
    entry = CLASSES.get(class_id)
    family = _OF_FAMILY.get(entry.family, ()) if entry else ()
    if "_probe_" in class_id:
        probe, _, what = class_id.rpartition("_")
        kin = tuple(f"{probe}_{other}" for other in ("timing", "port", "path") if other != what)
        family = (*kin[:1], *_PROBED)
    elif class_id.startswith("image_"):
        family = _PULLED
    return (*_OF_CLASS.get(class_id, ()), *family)


def _rival(view: ClusterView, first: Finding, class_id: str, score: float) -> Finding:
    entry = CLASSES[class_id]
    ref = first.object
    workload = first.facts.get("workload")
    if entry.family == "nodes" and ref.kind != "Node":
        places = [p.node for p in getattr(workload, "pods", ()) if p.node]
        ref = node_ref(places[0]) if places else ref
    unseen = _unseen(view, entry.family)
    why = f"not collected: {unseen}" if unseen else f"not seen: {entry.evidence}"
    return Finding(class_id, ref, score, "", list(first.evidence[:1]), [why])


def _unseen(view: ClusterView, family: str) -> str:
    """The source that such a cause shows in, when it was not collected."""
    if family == "performance" and not view.bundle.metrics:
        return "metrics"
    if family == "dependencies" and not view.bundle.logs:
        return "logs"
    kind = {
        "scheduling": "events",
        "admission": "events",
        "startup": "pods",
        "nodes": "nodes",
        "services": "services",
    }.get(family)
    return kind if kind and not view.collected(kind) else ""
