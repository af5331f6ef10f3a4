"""The checks on a plan and the cluster's state. Pure: each takes a case and gives a verdict with its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from kfix.texts import say
from manifests.objects import quantities
from manifests.objects.resources import SORTS, amounts
from manifests.objects.workloads import replicas
from safety.core import access, workloads
from safety.core.policy import Policy
from safety.core.workloads import Changed
from schemas.base import Json
from schemas.plans import ActionPlan, Analysis, IncidentContext, KubernetesChange
from schemas.text import again
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
#: Settings of a security context that take a guard away: without them there is one more.
_OPENS = (".privileged", ".allowPrivilegeEscalation", ".capabilities.add")
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

#: Kinds of fixes that change a guard without loosening it more than was asked for.
_OF_GUARDS = frozenset({"set_quota", "set_network_policy"})
#: Guards that say who may do what: a fix of access alone changes them.
_ACCESS = frozenset({"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"})


@dataclass(frozen=True, slots=True)
class CheckInput:
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


def environment_policy(case: CheckInput) -> CheckResult:
    """May anything be proposed in this environment and namespace?"""
    environment = case.context.environment
    rules = case.policy.of(environment)
    namespaces = {c.object.namespace for c in case.plan.kubernetes_changes}
    protected = sorted(namespaces & set(case.policy.protected_namespaces))
    numbers = {
        "environment": environment,
        "auto_merge": say("safety.value.yes")
        if case.policy.merges_by_itself(
            case.context.proof, case.plan.fix_kind, *case.plan.repairs.also
        )
        else say("safety.value.no"),
    }
    if protected:
        reason = say("safety.environment.protected", namespace=protected[0])
        return result("environment_policy", "fail", reason, **numbers)
    if not rules.propose:
        reason = say("safety.environment.nothing", environment=environment)
        return result("environment_policy", "fail", reason, **numbers)
    itself = case.policy.merges_by_itself(
        case.context.proof, case.plan.fix_kind, *case.plan.repairs.also
    )
    merges = "safety.environment.by_itself" if itself else "safety.environment.by_people"
    return result("environment_policy", "pass", say(merges, environment=environment), **numbers)


def fix_policy(case: CheckInput) -> CheckResult:
    """Is this kind of fix allowed, and does it leave every guard in place?"""
    rules, kind = case.policy.of(case.context.environment), case.plan.fix_kind
    kinds = {kind, *case.plan.repairs.also}
    barred = kinds & set(rules.forbidden_fixes)
    barred |= kinds - set(rules.allowed_fixes) if rules.allowed_fixes else set()
    if barred:
        fix = min(barred)
        return result("fix_policy", "fail", say("safety.fix.not_allowed", fix=fix), fix=fix)
    for change in case.plan.kubernetes_changes:
        reason = _taken_too_far(case, change)
        if reason:
            return result("fix_policy", "fail", reason, fix=kind)
    loosened = case.plan.repairs.loosens
    if loosened:
        reason = say("safety.fix.loosens", fix=kind, paths=list(loosened))
        return result("fix_policy", "pass", reason, fix=kind)
    return result("fix_policy", "pass", say("safety.fix.allowed", fix=kind), fix=kind)


def _taken_too_far(case: CheckInput, change: KubernetesChange) -> str:
    """Why no plan may make this change: it deletes, changes a guard of others, gives too much, or takes a guard away."""
    kinds, key = {case.plan.fix_kind, *case.plan.repairs.also}, change.object.key
    if change.action == "delete":
        return say("safety.fix.deletes", object=key)
    if change.object.kind in _ACCESS and "set_access" in kinds:
        narrow = _reads_more(case, change)
        return "" if narrow else say("safety.fix.too_much_access", object=key)
    guard = change.object.kind in _GUARDS
    meant = bool(kinds & _OF_GUARDS) and change.object.kind not in _ACCESS
    if guard and not meant and not _lets_one_go(change):
        return say("safety.fix.guards_others", object=key)
    removed = (one for one in change.fields if one.op == "remove")
    for one in removed:
        if any(word in one.path for word in _GUARDED) and not one.path.endswith(_OPENS):
            return say("safety.fix.removes", path=one.path)
    return ""


def _reads_more(case: CheckInput, change: KubernetesChange) -> bool:
    """A right to read, and no more. What was not seen is not taken for little."""
    seen = next((c for c in case.changed or () if c.ref.key == change.object.key), None)
    return seen is not None and access.narrow(change, seen.before, seen.after)


def _lets_one_go(change: KubernetesChange) -> bool:
    """A disruption budget that lets nobody go lets one pod go, and no more: a drain could otherwise never end."""
    if change.object.kind != "PodDisruptionBudget" or len(change.fields) != 1:
        return False
    (field,) = change.fields
    if field.op != "replace":
        return False
    if field.path == "spec.maxUnavailable":
        return str(field.before) in ("0", "0%") and field.after == 1
    numbers = (field.before, field.after)
    plain = all(isinstance(n, int) and not isinstance(n, bool) for n in numbers)
    return field.path == "spec.minAvailable" and plain and field.after == field.before - 1 >= 1


def requests_within_limits(case: CheckInput) -> CheckResult:
    """Is each container's request at most its limit? The API server refuses anything else."""
    if case.changed is None:
        return result("requests_within_limits", "unknown", case.unseen)
    shown: dict[str, str] = {}
    for item in case.changed:
        for container in workloads.containers(item.after or {}):
            requests, limits = (amounts(container, kind) for kind in SORTS)
            for name, limit in limits.items():
                asked = requests.get(name, limit)
                label = f"{container.get('name')} {name}"
                shown[label] = f"{_shown(name, asked)} ≤ {_shown(name, limit)}"
                if asked > limit:
                    reason = say(
                        "safety.requests.above_limit",
                        what=label,
                        asked=_shown(name, asked),
                        limit=_shown(name, limit),
                    )
                    return result("requests_within_limits", "fail", reason, **shown)
    return result("requests_within_limits", "pass", say("safety.requests.within"), **shown)


def scaling_ceiling(case: CheckInput) -> CheckResult:
    """Do replicas, CPU and memory stay under the policy's ceilings and growth factor?"""
    if case.changed is None:
        return result("scaling_ceiling", "unknown", case.unseen)
    shown: dict[str, str] = {}
    for item in case.changed:
        for trouble in (_replica_trouble(case, item, shown), _resource_trouble(case, item, shown)):
            if trouble:
                return result("scaling_ceiling", "fail", trouble, **shown)
    return result("scaling_ceiling", "pass", say("safety.ceiling.within"), **shown)


def _replica_trouble(case: CheckInput, item: Changed, shown: dict[str, str]) -> str:
    before, after = item.before or {}, item.after or {}
    policy = case.policy
    if after.get("kind") == "HorizontalPodAutoscaler":
        low, high = workloads.lowest(after), workloads.highest(after)
        shown["autoscaler"] = out_of(f"{low}–{high}", policy.max_replicas)
        if low > high:
            return say("safety.ceiling.bounds_crossed", low=low, high=high)
        return _growth(policy, "maxReplicas", workloads.highest(before) or high, high)
    if after.get("kind") not in ("Deployment", "StatefulSet", "ReplicaSet"):
        return ""
    old_count, new_count = replicas(before) if before else 0, replicas(after)
    if old_count == new_count:
        return ""
    shown["replicas"] = out_of(f"{old_count} → {new_count}", policy.max_replicas)
    if before and any(workloads.scalers_of(item.ref, case.objects)):
        return say("safety.ceiling.autoscaler_owns")
    return _growth(policy, "replicas", old_count, new_count)


def _growth(policy: Policy, what: str, before: int, after: int) -> str:
    if after > policy.max_replicas:
        return say(
            "safety.ceiling.above", what=what, amount=str(after), ceiling=str(policy.max_replicas)
        )
    if before > 0 and after > before * policy.max_factor:
        grown = f"{what} {before} → {after}"
        return say("safety.ceiling.grows", what=grown, factor=policy.max_factor)
    return ""


def _resource_trouble(case: CheckInput, item: Changed, shown: dict[str, str]) -> str:
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
        for kind in SORTS:
            earlier = amounts(before, kind)
            for name, amount in amounts(container, kind).items():
                if name not in ceilings or earlier.get(name) == amount:
                    continue
                label = f"{container.get('name')} {kind} {name}"
                shown[label] = f"{_shown(name, earlier.get(name))} → {_shown(name, amount)}"
                if amount > ceilings[name]:
                    return say(
                        "safety.ceiling.above",
                        what=label,
                        amount=_shown(name, amount),
                        ceiling=_shown(name, ceilings[name]),
                    )
                allowed = earlier.get(name, amount) * Decimal(str(case.policy.max_factor))
                back = case.plan.fix_kind == "rollback_revision"  # what ran before is no growth
                if not back and amount > max(allowed, small[name]):
                    return say("safety.ceiling.grows", what=label, factor=case.policy.max_factor)
    return ""


def historical_failures(case: CheckInput) -> CheckResult:
    """Was this fix tried before, and did it fail or get refused?"""
    hashed = case.plan.changes_hash
    keys = {c.object.key for c in case.plan.kubernetes_changes}
    worse = [p for p in case.context.failed_patterns if p.fix_kind == case.plan.fix_kind]
    same = [p for p in worse if p.changes_hash == hashed]
    cluster = case.context.cluster
    here = [p for p in worse if p.object_key in keys and not p.is_elsewhere(cluster)]
    good = [p for p in case.context.successful_patterns if p.fix_kind == case.plan.fix_kind]
    numbers = {"worked": len(good), "failed": len(worse), "failed_here": len(here)}
    if same:
        reason = say(
            "safety.history.same",
            result=same[0].result,
            incident=same[0].incident_id,
        )
        return result("historical_failures", "fail", reason, **numbers)
    if len(here) >= case.policy.veto_after_failures:
        reason = say("safety.history.failed_here", fix=case.plan.fix_kind, times=len(here))
        return result("historical_failures", "fail", reason, **numbers)
    if any(s.name == "memory" and s.state != "ok" for s in case.context.sources):
        return result(
            "historical_failures",
            "unknown",
            say("safety.history.unreachable"),
            **numbers,
        )
    return result("historical_failures", "pass", _history(len(good), len(worse)), **numbers)


def repairs(case: CheckInput) -> CheckResult:
    """Is the cause gone in the objects that the plan leaves behind? Asked where the plan was made, with all evidence at hand."""
    found = case.plan.repairs
    cause = case.analysis.failure_class if case.analysis is not None else ""
    numbers = {"cause": cause} if cause else {}
    if found.remains:
        numbers["remains"] = str(len(found.remains))
    reason = again(found.reason, found.reason_text) or say("safety.repairs.older")
    return result("repairs", found.verdict, reason, **numbers)


def _history(good: int, bad: int) -> str:
    if not good + bad:
        return say("safety.history.new")
    return say("safety.history.counted", worked=good, failed=bad)


def out_of(part: str, whole: object) -> str:
    """A part of a whole, for people."""
    return say("safety.value.out_of", part=part, whole=str(whole))


def _shown(name: str, amount: Decimal | None) -> str:
    if amount is None:
        return say("safety.value.none")
    if name.endswith("cpu"):
        return quantities.format_cpu(amount)
    if name.endswith(("memory", "storage")):
        return quantities.format_memory(amount)
    return f"{amount.normalize():f}"


def shown(name: str, amount: Decimal | None) -> str:
    """An amount of a resource as Kubernetes writes it."""
    return _shown(name, amount)


def mapping(value: Any) -> Mapping[str, Any]:
    """``value``, empty when it is ``None``. Raises TypeError for anything else: what cannot be read is not taken for absent."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"a mapping was expected, not {type(value).__name__}")
    return value
