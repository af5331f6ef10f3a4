"""The checks on a plan and the cluster's state. Pure: each takes a case and gives a verdict with its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from manifests.objects import quantities
from safety.core import workloads
from safety.core.policy import Policy
from safety.core.workloads import Changed
from schemas.base import Json
from schemas.plans import ActionPlan, Analysis, IncidentContext
from schemas.validated import CheckName, CheckResult

Verdict = Literal["pass", "fail", "unknown"]
#: Fields whose removal silences an alert instead of mending its cause.
_GUARDED = (
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "limits",
    "requests",
    "securityContext",
)
#: Kinds that guard others; K-Fix does not remove or loosen them on its own.
_GUARDS = (
    "NetworkPolicy",
    "PodDisruptionBudget",
    "ResourceQuota",
    "LimitRange",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "ValidatingAdmissionPolicy",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A plan with everything the checks look at. The context's environment is the plan's own proven one. ``changed`` is ``None`` when the objects were not seen, with why."""

    plan: ActionPlan
    analysis: Analysis | None
    context: IncidentContext
    objects: Mapping[str, Sequence[Json]]
    policy: Policy
    changed: tuple[Changed, ...] | None = None
    unseen: str = ""
    #: Verdicts made elsewhere: on the edit, the schema and the server's dry-run.
    found: Mapping[CheckName, CheckResult] = field(default_factory=dict)


def result(name: CheckName, verdict: Verdict, reason: str, **numbers: object) -> CheckResult:
    """A verdict. Numbers become text as people write it."""
    shown = {k: v if isinstance(v, str) else str(v) for k, v in numbers.items()}
    return CheckResult(name=name, verdict=verdict, reason=reason, numbers=shown)


def environment_policy(case: Case) -> CheckResult:
    """May anything be proposed in this environment and namespace?"""
    environment = case.context.environment
    rules = case.policy.of(environment)
    namespaces = {c.object.namespace for c in case.plan.kubernetes_changes}
    protected = sorted(namespaces & set(case.policy.protected_namespaces))
    numbers = {
        "environment": environment,
        "auto_merge": str(case.policy.merges_by_itself(case.context.proof)).lower(),
    }
    if protected:
        return result(
            "environment_policy", "fail", f"{protected[0]} is a protected namespace", **numbers
        )
    if not rules.propose:
        return result(
            "environment_policy", "fail", f"policy proposes nothing in {environment}", **numbers
        )
    itself = case.policy.merges_by_itself(case.context.proof)
    merged = "it may merge by itself" if itself else "a person merges"
    return result("environment_policy", "pass", f"{environment}: {merged}", **numbers)


def fix_policy(case: Case) -> CheckResult:
    """Is this kind of fix allowed, and does it leave every guard in place?"""
    rules, kind = case.policy.of(case.context.environment), case.plan.fix_kind
    if kind in rules.forbidden_fixes or (rules.allowed_fixes and kind not in rules.allowed_fixes):
        return result("fix_policy", "fail", f"policy does not allow {kind} here", fix=kind)
    for change in case.plan.kubernetes_changes:
        if change.action == "delete":
            return result("fix_policy", "fail", f"{change.object.key} would be deleted", fix=kind)
        if change.object.kind in _GUARDS and kind not in ("set_quota", "set_network_policy"):
            return result("fix_policy", "fail", f"{change.object.key} guards others", fix=kind)
        for one in change.fields:
            if one.op == "remove" and any(word in one.path for word in _GUARDED):
                return result("fix_policy", "fail", f"{one.path} would be removed", fix=kind)
    return result("fix_policy", "pass", f"{kind} is allowed and removes no guard", fix=kind)


def requests_within_limits(case: Case) -> CheckResult:
    """Is each container's request at most its limit? The API server refuses anything else."""
    if case.changed is None:
        return result("requests_within_limits", "unknown", case.unseen)
    shown: dict[str, str] = {}
    for item in case.changed:
        for container in workloads.containers(item.after or {}):
            requests, limits = (
                workloads.amounts(container, kind) for kind in ("requests", "limits")
            )
            for name, limit in limits.items():
                asked = requests.get(name, limit)
                label = f"{container.get('name')} {name}"
                shown[label] = f"{_shown(name, asked)} ≤ {_shown(name, limit)}"
                if asked > limit:
                    reason = f"{label}: request {_shown(name, asked)} is above limit {_shown(name, limit)}"
                    return result("requests_within_limits", "fail", reason, **shown)
    return result("requests_within_limits", "pass", "each request is within its limit", **shown)


def scaling_ceiling(case: Case) -> CheckResult:
    """Do replicas, CPU and memory stay under the policy's ceilings and growth factor?"""
    if case.changed is None:
        return result("scaling_ceiling", "unknown", case.unseen)
    shown: dict[str, str] = {}
    for item in case.changed:
        for trouble in (_replica_trouble(case, item, shown), _resource_trouble(case, item, shown)):
            if trouble:
                return result("scaling_ceiling", "fail", trouble, **shown)
    return result("scaling_ceiling", "pass", "within the ceilings of the policy", **shown)


def _replica_trouble(case: Case, item: Changed, shown: dict[str, str]) -> str:
    before, after = item.before or {}, item.after or {}
    policy = case.policy
    if after.get("kind") == "HorizontalPodAutoscaler":
        spec, old = after.get("spec") or {}, before.get("spec") or {}
        low, high = int(spec.get("minReplicas") or 1), int(spec.get("maxReplicas") or 0)
        shown["autoscaler"] = f"{low}–{high} of {policy.max_replicas}"
        if low > high:
            return f"minReplicas {low} is above maxReplicas {high}"
        return _growth(policy, "maxReplicas", int(old.get("maxReplicas") or high), high)
    if after.get("kind") not in ("Deployment", "StatefulSet", "ReplicaSet"):
        return ""
    old_count, new_count = workloads.replicas(before) if before else 0, workloads.replicas(after)
    if old_count == new_count:
        return ""
    shown["replicas"] = f"{old_count} → {new_count} of {policy.max_replicas}"
    if before and any(workloads.scalers_of(item.ref, case.objects)):
        return "an autoscaler owns the replicas: change its bounds instead"
    return _growth(policy, "replicas", old_count, new_count)


def _growth(policy: Policy, what: str, before: int, after: int) -> str:
    if after > policy.max_replicas:
        return f"{what} {after} is above the ceiling of {policy.max_replicas}"
    if before > 0 and after > before * policy.max_factor:
        return f"{what} {before} → {after} grows by more than {policy.max_factor:g} times"
    return ""


def _resource_trouble(case: Case, item: Changed, shown: dict[str, str]) -> str:
    old = {str(c.get("name")): c for c in workloads.containers(item.before or {})}
    ceilings = {
        "cpu": Decimal(str(case.policy.max_cpu_cores)),
        "memory": Decimal(str(case.policy.max_memory_mib)) * 2**20,
    }
    small = {
        "cpu": Decimal(str(case.policy.small_cpu_cores)),
        "memory": Decimal(str(case.policy.small_memory_mib)) * 2**20,
    }
    for container in workloads.containers(item.after or {}):
        before = old.get(str(container.get("name")), {})
        for kind in ("requests", "limits"):
            earlier = workloads.amounts(before, kind)
            for name, amount in workloads.amounts(container, kind).items():
                if name not in ceilings or earlier.get(name) == amount:
                    continue
                label = f"{container.get('name')} {kind} {name}"
                shown[label] = f"{_shown(name, earlier.get(name))} → {_shown(name, amount)}"
                if amount > ceilings[name]:
                    return f"{label} {_shown(name, amount)} is above the ceiling of {_shown(name, ceilings[name])}"
                allowed = earlier.get(name, amount) * Decimal(str(case.policy.max_factor))
                if amount > max(allowed, small[name]):
                    return f"{label} grows by more than {case.policy.max_factor:g} times"
    return ""


def node_fit(case: Case) -> CheckResult:
    """Does one pod still fit on the largest node? The scheduler does not run in a dry-run."""
    if case.changed is None:
        return result("node_fit", "unknown", case.unseen)
    pods = [
        (item, workloads.per_pod(item.after, "requests"))
        for item in case.changed
        if item.after and workloads.pod_spec(item.after)
    ]
    if not pods:
        return result("node_fit", "pass", "no pod changes")
    if not case.objects.get("nodes"):
        return result("node_fit", "unknown", "no nodes were collected")
    largest: dict[str, Decimal] = {}
    for node in case.objects["nodes"]:
        if (node.get("spec") or {}).get("unschedulable"):
            continue
        for name, amount in ((node.get("status") or {}).get("allocatable") or {}).items():
            largest[name] = max(largest.get(name, Decimal(0)), quantities.parse(amount))
    if not {"cpu", "memory"} <= largest.keys():
        return result("node_fit", "unknown", "no schedulable node says what it can give")
    shown: dict[str, str] = {}
    for _, wanted in pods:
        for name in ("cpu", "memory"):
            if name in wanted:
                shown[name] = f"{_shown(name, wanted[name])} of {_shown(name, largest[name])}"
                if wanted[name] > largest[name]:
                    reason = f"a pod asks for {_shown(name, wanted[name])} {name}, the largest node has {_shown(name, largest[name])}"
                    return result("node_fit", "fail", reason, **shown)
    return result("node_fit", "pass", "a pod fits on the largest node", **shown)


def historical_failures(case: Case) -> CheckResult:
    """Was this fix tried before, and did it fail or get refused?"""
    hashed = case.plan.changes_hash
    keys = {c.object.key for c in case.plan.kubernetes_changes}
    worse = [p for p in case.context.failed_patterns if p.fix_kind == case.plan.fix_kind]
    same = [p for p in worse if p.changes_hash == hashed]
    here = [p for p in worse if p.object_key in keys]
    good = [p for p in case.context.successful_patterns if p.fix_kind == case.plan.fix_kind]
    numbers = {"worked": len(good), "failed": len(worse), "failed_here": len(here)}
    if same:
        reason = f"the same change ended as {same[0].result} in {same[0].incident_id}"
        return result("historical_failures", "fail", reason, **numbers)
    if len(here) >= case.policy.veto_after_failures:
        reason = f"{case.plan.fix_kind} failed {len(here)} times on this object"
        return result("historical_failures", "fail", reason, **numbers)
    if any(s.name == "memory" and s.state != "ok" for s in case.context.sources):
        return result(
            "historical_failures",
            "unknown",
            "the memory of earlier incidents was not reachable",
            **numbers,
        )
    return result("historical_failures", "pass", _history(len(good), len(worse)), **numbers)


def _history(good: int, bad: int) -> str:
    return (
        f"this kind of fix worked {good} and failed {bad} times"
        if good + bad
        else "not tried before"
    )


def _shown(name: str, amount: Decimal | None) -> str:
    if amount is None:
        return "none"
    if name.endswith("cpu"):
        return quantities.format_cpu(amount)
    if name.endswith(("memory", "storage")):
        return quantities.format_memory(amount)
    return f"{amount.normalize():f}"


def shown(name: str, amount: Decimal | None) -> str:
    """An amount of a resource as Kubernetes writes it."""
    return _shown(name, amount)


def mapping(value: Any) -> Mapping[str, Any]:
    """``value``, empty when it is ``None``. Raises TypeError for anything else: unreadable is not the same as absent."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"a mapping was expected, not {type(value).__name__}")
    return value
