"""From findings to a ranked diagnosis: merge, weigh cause against symptom, calibrate, explain. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from decide.core.confidence import blind, confidences, missing
from decide.core.findings import Fact, Finding
from decide.core.graph import calls
from decide.core.objects import Pod
from decide.core.rivals import complete
from decide.core.rules import (
    admission,
    autoscaling,
    certificates,
    dependencies,
    gateways,
    jobs,
    lifecycle,
    mesh,
    nodes,
    performance,
    policies,
    probes,
    regressions,
    resources,
    routes,
    runtime,
    scheduling,
    services,
    startup,
    storage,
    strain,
    system,
    upstreams,
)
from decide.core.taxonomy import CLASSES
from decide.core.view import ClusterView
from schemas.base import ObjectRef, Severity, Status
from schemas.context import ContextBundle
from schemas.plans import AbstentionReason, Analysis, Evidence, Hypothesis

#: Recorded with every decision: change it when rules change.
RULES_VERSION = "2026.11-1"
#: Below this the answer is a person's: rules alone were not sure enough in the reliability table.
SURE = 0.6
Rule = Callable[[ClusterView], Iterator[Finding]]
_RULES: tuple[Rule, ...] = (
    admission.find, scheduling.find, storage.find, startup.find, probes.find, resources.find, autoscaling.find, runtime.find, strain.find, jobs.find, lifecycle.find,
    services.find, policies.find, mesh.find, certificates.find, gateways.find, routes.find, dependencies.find, upstreams.find, performance.find, regressions.find, nodes.find, system.find,
)  # fmt: skip
#: Classes that only say that something is wrong.
_VAGUE = frozenset({
    "bad_rollout", "rollout_stuck", "crash_code", "undetermined", "healthy", "latency_regression", "error_rate_regression", "upstream_errors",
    "dependency_unavailable", "pod_network_delay", "job_failing", "pods_not_created", "init_container_failing",
})  # fmt: skip
#: Classes that name a cause more exactly than another at the same object: the general one steps back.
_SHARPER: dict[str, frozenset[str]] = {
    "oom_killed": frozenset({"memory_leak"}),
    "crash_code": frozenset({
        "bad_rollout", "image_platform_mismatch", "database_schema_missing", "heap_exhausted", "threads_exhausted", "file_descriptors_exhausted", "connection_pool_exhausted",
        "oom_killed", "sidecar_port_conflict", "volume_permission_denied", "database_credentials_invalid", "database_port_wrong",
        "missing_env", "crash_bad_config", "dns_config_broken", "bad_command", "env_address_mismatch", "liveness_probe_port",
        "liveness_probe_protocol", "liveness_probe_timing", "liveness_probe_path", "config_reference_missing",
    }),
    "bad_rollout": frozenset(CLASSES) - _VAGUE - {"bad_rollout"},
    "rollout_stuck": frozenset(CLASSES) - _VAGUE - {"rollout_stuck"},
    "job_failing": frozenset(CLASSES) - _VAGUE - {"job_failing"},
    "init_container_failing": frozenset(CLASSES) - _VAGUE - {"init_container_failing"},
    "pod_network_delay": frozenset({"bad_rollout", "noisy_neighbour", "load_surge"}),
    "latency_regression": frozenset({"bad_rollout", "load_surge", "cpu_saturation", "cpu_throttling", "pod_network_delay"}),
    "error_rate_regression": frozenset(CLASSES) - {"error_rate_regression", "upstream_errors", "latency_regression", "undetermined", "healthy"},
    "cpu_throttling": frozenset({"load_surge"}),
    "cpu_saturation": frozenset({"load_surge"}),
    "cache_unavailable": frozenset(CLASSES) - _VAGUE - {"cache_unavailable"},
    "broker_unavailable": frozenset(CLASSES) - _VAGUE - {"broker_unavailable"},
    "upstream_errors": frozenset(CLASSES) - _VAGUE,
    "external_dependency_unavailable": frozenset({"network_policy_blocks", "dns_config_broken", "env_address_mismatch", "missing_env"}),
    "file_permission_denied": frozenset({"volume_permission_denied"}),
    "pods_not_created": frozenset(CLASSES) - _VAGUE - {"pods_not_created"},
    "database_port_wrong": frozenset({"dns_config_broken", "env_address_mismatch", "database_credentials_invalid"}),
    "pvc_pending": frozenset({"pvc_storage_class_mismatch", "pvc_capacity_mismatch", "pvc_access_mode_mismatch", "pvc_selector_mismatch", "pv_bound_elsewhere"}),
    "dependency_unavailable": frozenset(CLASSES) - {"dependency_unavailable", "undetermined", "healthy", "crash_code"},
    "crash_bad_config": frozenset({"sidecar_port_conflict", "database_credentials_invalid", "volume_permission_denied", "missing_env", "database_port_wrong", "dns_config_broken"}),
    "node_not_ready": frozenset({"node_runtime_unavailable", "node_kubelet_unavailable"}),
    "node_kubelet_unavailable": frozenset({"node_runtime_unavailable"}),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the rules conclude. ``findings`` are ranked; ``status`` says whether a plan may be made."""

    status: Status
    reason: AbstentionReason
    explanation: str
    analysis: Analysis
    findings: tuple[Finding, ...]
    view: ClusterView


def diagnose(bundle: ContextBundle, language: str = "en", more: Sequence[Rule] = ()) -> Diagnosis:
    """Ranks what may have caused the alert; ``more`` rules than the built-in ones are a house's own.

    Never raises for what a bundle lacks.
    """
    view = ClusterView(bundle)
    troubles: list[str] = []
    found = [f for rule in (*_RULES, *more) for f in _read(rule, view, troubles)]
    ranked = rank(view, found)
    strong = [f for f in ranked if f.score >= SURE]
    if not ranked or (not strong and _calm(view) and not any(f.elsewhere for f in ranked)):
        ranked = [_healthy(view), *ranked]
    for trouble in troubles:  # what could not be read may speak against any answer
        ranked[0].against.append(trouble)
        ranked[0].score = min(ranked[0].score, 0.85)
    return _conclude(view, complete(view, ranked), language)


def _read(rule: Rule, view: ClusterView, troubles: list[str]) -> list[Finding]:
    """A rule's findings. Objects of a shape nobody expected silence that rule alone, and the answer says so."""
    found: list[Finding] = []
    try:
        found.extend(rule(view))
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
        family = rule.__module__.rpartition(".")[2]
        troubles.append(
            f"the rules of {family} could not read the evidence: {type(error).__name__}"
        )
    return found


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
    network = any(f.failure_class in ("node_network_delay", "node_network_loss") for f in down.values())  # fmt: skip
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
    symptoms = ("crash_code", "database_port_wrong", "dependency_unavailable", "route_backend_mismatch", "upstream_errors", "connection_pool_exhausted", "error_rate_regression", "latency_regression", "cache_unavailable", "broker_unavailable", "init_container_failing")  # fmt: skip
    graph = calls(view) if any(f.failure_class in symptoms for f in findings) else {}
    causes = {f.object.key for f in findings if f.score >= 0.85 and f.failure_class not in symptoms}
    databases = [f for f in findings if f.failure_class in ("database_connections_exhausted", "database_read_only", "database_disk_full") and f.score > 0.8]  # fmt: skip
    for finding in findings:
        if finding.failure_class not in symptoms:
            continue
        below = graph.get(finding.object.key, set()) & causes
        if below or (databases and finding.failure_class in ("crash_code", "database_port_wrong")):
            finding.score = min(finding.score * 0.6, 0.5)
            finding.against.append(f"{sorted(below)[0] if below else databases[0].object.key} explains it")  # fmt: skip


def _focus_on_subject(view: ClusterView, findings: list[Finding]) -> None:
    """What the alert itself points at counts a little more; what has nothing to do with it is no cause of it.

    A namespace can hold several troubles at once: each has its own alert, and one alert's fix must not be another's.
    """
    subject = view.bundle.k8s_context.subject
    named = {str(a.get("entry_service") or a.get("name") or "") for a in view.anomalies} - {""}
    related = _related(view, subject) if subject is not None else None
    for finding in findings:
        if subject is not None and finding.object.name == subject.name:
            finding.score = min(0.98, finding.score + 0.03)
        elif finding.object.name in named:
            finding.score = min(0.98, finding.score + 0.01)
        if (
            related is not None
            and finding.object.kind not in _SHARED
            and finding.object.name not in related
        ):
            finding.elsewhere = finding.score >= SURE
            finding.score = min(finding.score, _UNRELATED)
            finding.against.append(
                "the alert is about another workload, which does not depend on this one"
            )


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


#: Waiting reasons that do not pass by themselves.
_STUCK = frozenset({"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError", "RunContainerError"})  # fmt: skip


def _calm(view: ClusterView) -> bool:
    """Everything that was collected looks well."""
    if not view.workloads:
        return False
    lasting = [w for w in view.workloads if w.kind not in ("Job", "CronJob", "Pod")]
    return all(w.available and not any(_failing(p) for p in w.pods) for w in lasting)


def _failing(pod: Pod) -> bool:
    """It tried more than once and is not ready: no pod that is just coming up."""
    if pod.deleting or pod.ready or pod.phase in ("Succeeded", "Failed"):
        return False
    waits = {str(c.waiting.get("reason") or "") for c in pod.containers()}
    return any(c.restarts > 1 for c in pod.containers() if not c.ready) or bool(waits & _STUCK)


def _healthy(view: ClusterView) -> Finding:
    ref = view.bundle.k8s_context.subject or ObjectRef(api_version="v1", kind="Namespace", name=view.namespace or "default")  # fmt: skip
    if not view.workloads:
        return Finding("undetermined", ref, 0.3, "no workload was collected", [])
    well = sum(w.available for w in view.workloads)
    absent = [s.name for s in view.bundle.sources if s.state == "missing"]
    text = f"{well} of {len(view.workloads)} workloads are available"
    unseen = missing(view) & {"pods", "controllers", "services", "endpoints"}
    if well < len(view.workloads) or unseen:
        return Finding("undetermined", ref, 0.4, text, [Fact("object", text)])
    against = [f"no evidence from {name}" for name in absent]
    return Finding("healthy", ref, 0.85 - 0.1 * min(3, len(absent)), text, [Fact("object", text)], against)  # fmt: skip


def _conclude(view: ClusterView, ranked: list[Finding], language: str) -> Diagnosis:
    first = ranked[0]
    entry = first.kind
    rival = next((f for f in ranked[1:] if f.object.key != first.object.key or f.failure_class != first.failure_class), None)  # fmt: skip
    unseen = blind(first, view)
    first.against.extend(f"no evidence from {source}" for source in unseen)
    analysis = _analysis(view, ranked, language)
    status: Status = "solution_proposed"
    reason: AbstentionReason = ""
    if entry.family == "nothing":
        status, reason = "no_action", "healthy"
    elif entry.family == "human" or first.score < SURE or analysis.confidence < SURE or unseen:
        status, reason = "needs_human", "not_enough_evidence"
    elif not entry.plans:
        status, reason = "needs_human", entry.handoff
    if status == "solution_proposed" and rival and first.score - rival.score < 0.02 and first.score < 0.8:  # fmt: skip
        status, reason = "needs_human", "ambiguous"
    explanation = f"{first.kind.title(language)}: {first.object.key}"
    return Diagnosis(status, reason, explanation, analysis, tuple(ranked), view)


def _analysis(view: ClusterView, ranked: list[Finding], language: str) -> Analysis:
    evidence: list[Evidence] = []
    ids: dict[Fact, str] = {}
    for finding in ranked[:6]:
        for fact in finding.evidence:
            if fact not in ids:
                ids[fact] = f"e{len(ids) + 1}"
                evidence.append(Evidence(id=ids[fact], source=fact.source, statement=fact.statement, object=fact.object, value=fact.value, unit=fact.unit))  # fmt: skip
    sure = confidences(ranked, view)
    hypotheses = tuple(
        Hypothesis(
            failure_class=f.failure_class,
            object=f.object,
            root_cause=_sentence(f, language),
            confidence=sure[n],
            evidence_for=tuple(ids[x] for x in f.evidence),
            evidence_against=tuple(f.against),
        )
        for n, f in enumerate(ranked[:6])
    )
    first = ranked[0]
    severity: Severity = first.kind.severity
    affected = sorted({w.name for w in view.workloads if not w.available})
    return Analysis(
        failure_class=first.failure_class,
        object=first.object,
        root_cause=_sentence(first, language),
        severity=severity,
        confidence=hypotheses[0].confidence,
        affected_services=tuple(affected[:20]),
        estimated_impact=_impact(view, affected, language),
        evidence=tuple(evidence),
        hypotheses=hypotheses,
    )


def _sentence(finding: Finding, language: str) -> str:
    head = f"{finding.kind.title(language)} ({finding.object.key})"
    return f"{head}: {finding.detail}" if finding.detail else head


def _impact(view: ClusterView, affected: list[str], language: str) -> str:
    total = len(view.workloads)
    if language == "fr":
        return f"{len(affected)} applications sur {total} sans tous leurs pods prêts"
    return f"{len(affected)} of {total} workloads lack ready pods"
