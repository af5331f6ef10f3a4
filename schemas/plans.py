"""`plans.candidate`: diagnosis and ranked plans, or an abstention with its reason. Written by decide, read by safety."""

from __future__ import annotations

import hashlib
from typing import Literal

import orjson
from pydantic import Field

from schemas.base import (
    Environment,
    Instant,
    Json,
    Model,
    ObjectRef,
    Ratio,
    Record,
    Severity,
    Status,
)
from schemas.context import FailedAttempt, Pattern, SimilarIncident, SourceStatus, Traffic
from schemas.images import RegistryAnswers
from schemas.next_steps import NextStep
from schemas.places import ClusterClaim, EnvironmentProof
from schemas.text import Spoken, Text
from schemas.worlds import World

#: Closed set of what a fix does; policy, history and the model's schema refer to it.
FixKind = Literal[
    "set_cpu",
    "set_memory",
    "set_replicas",
    "set_autoscaler_bounds",
    "add_autoscaler",
    "set_image",
    "set_image_pull_secret",
    "set_probe",
    "set_env",
    "set_reference",
    "set_service_port",
    "set_service_selector",
    "set_scheduling",
    "set_quota",
    "set_volume",
    "set_strategy",
    "set_network_policy",
    "set_service_account",
    "set_access",
    "set_command",
    "rollback_revision",
    "create_object",
    "other",
]

AbstentionReason = Literal[
    "",
    "healthy",
    "recovered",
    "already_recovered",
    "maintenance",
    "flapping_within_bounds",
    "alert_noise",
    "ambiguous",
    "not_enough_evidence",
    "not_checked",
    "outside_manifests",
    "code_defect",
    "data_loss_risk",
    "capacity",
    "no_safe_plan",
    "rule_broke",
    "rules_and_model_disagree",
    "not_supported",
    "another_cluster",
    "no_subject",
    "test",
    "muted",
]


class FieldChange(Model):
    """One field of one object. ``path`` as in ``manifests.objects.paths``: ``spec.template.spec.containers[name=app].image``.

    ``before`` is a precondition: what the plan saw. It is ``None`` together with ``op="add"``;
    ``after`` is ``None`` together with ``op="remove"``.
    """

    op: Literal["add", "replace", "remove"] = "replace"
    path: str
    before: Json = None
    after: Json = None


class LostText(Model):
    """A file that a commit took away and a plan brings back to the last byte: its path in the repository, and its text."""

    path: str
    text: str
    commit: str = ""


class KubernetesChange(Model):
    """What a plan does to one object; ``create`` carries the whole object in ``manifest``."""

    object: ObjectRef
    action: Literal["patch", "create", "delete"] = "patch"
    fields: tuple[FieldChange, ...] = ()
    manifest: Json = None
    #: The declared object that a new one belongs to: its file is put beside that one's.
    beside: ObjectRef | None = None
    #: Of a new object: the file that had it, to be put back as it was.
    restores: LostText | None = None

    def mission_json(self) -> dict[str, Json]:
        """The mission's shape: resource, action and ``changes`` as path to new value (``None`` removes)."""
        out: dict[str, Json] = {
            "resource": self.object.resource,
            "kind": self.object.kind,
            "namespace": self.object.namespace,
            "name": self.object.name,
            "action": self.action,
            "changes": {f.path: f.after for f in self.fields},
            "before": {f.path: f.before for f in self.fields},
        }
        if self.manifest is not None:
            out["manifest"] = self.manifest
        return out


def _ordered(fields: tuple[FieldChange, ...]) -> list[FieldChange]:
    """Fields in an order of their own: values of any shape can be told apart, not compared."""
    return sorted(
        fields,
        key=lambda f: (f.op, f.path, orjson.dumps(f.after, option=orjson.OPT_SORT_KEYS)),
    )


#: ``pass``: the cause is gone after the plan; ``fail``: it is not, or something else would break.
RepairVerdict = Literal["pass", "fail", "unknown"]


class Repairs(Spoken):
    """Whether a plan removes the cause, asked of the objects as the plan leaves them.

    The defaults are what is known of plans in records of older versions: ``reason`` is empty there.
    """

    verdict: RepairVerdict = "unknown"
    reason: str = ""
    #: What would still be wrong with the subject after the plan, one sentence each.
    remains: tuple[str, ...] = ()
    #: What was required and the plan gives up, as field paths: rules of the scheduler that become wishes, replicas.
    loosens: tuple[str, ...] = ()
    #: Kinds of the fixes that mend faults behind the first: they are part of the plan.
    also: tuple[FixKind, ...] = ()
    reason_text: Text | None = None
    remains_text: tuple[Text | None, ...] = ()

    def mission_json(self) -> dict[str, Json]:
        """As ``kfix diagnose`` prints it."""
        out: dict[str, Json] = {"verdict": self.verdict, "reason": self.reason}
        if self.remains:
            out["remains"] = list(self.remains)
        if self.loosens:
            out["loosens"] = list(self.loosens)
        if self.also:
            out["also"] = list(self.also)
        return out


class ActionPlan(Spoken):
    """A typed plan and its generated inverse."""

    plan_id: str
    title: str
    fix_kind: FixKind
    #: 1 is the recommended one.
    priority: int = 1
    confidence: Ratio
    justification: str
    kubernetes_changes: tuple[KubernetesChange, ...]
    rollback_changes: tuple[KubernetesChange, ...] = ()
    rollback_plan: str = ""
    estimated_time: str = ""
    risks: tuple[str, ...] = ()
    #: Ids of the analysis' evidence this plan rests on.
    evidence: tuple[str, ...] = ()
    origin: Literal["rules", "model", "playbook"] = "rules"
    repairs: Repairs = Field(default_factory=Repairs)
    #: What it sets merely looks like what was meant: shown beside a better plan for people to choose, never the first, never
    #: recommended.
    guess: bool = False
    title_text: Text | None = None
    justification_text: Text | None = None
    rollback_plan_text: Text | None = None
    estimated_time_text: Text | None = None
    risks_text: tuple[Text | None, ...] = ()

    @property
    def changes_hash(self) -> str:
        """Content hash of what the plan changes: equal hashes mean the same fix. 16 hex digits."""
        content = [
            [
                c.object.key,
                c.action,
                [[f.op, f.path, f.after] for f in _ordered(c.fields)],
                c.manifest,
            ]
            for c in self.kubernetes_changes
        ]
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]

    @property
    def workload_kind(self) -> str:
        """Kind of the object that the plan changes first; empty for a plan that changes nothing."""
        return self.kubernetes_changes[0].object.kind if self.kubernetes_changes else ""

    def mission_json(self) -> dict[str, Json]:
        """The mission's plan shape (phase 3.1)."""
        return {
            "plan_id": self.plan_id,
            "title": self.title,
            "fix_kind": self.fix_kind,
            "priority": self.priority,
            "confidence": round(self.confidence, 3),
            "justification": self.justification,
            "kubernetes_changes": [c.mission_json() for c in self.kubernetes_changes],
            "rollback_plan": self.rollback_plan,
            "rollback_changes": [c.mission_json() for c in self.rollback_changes],
            "estimated_time": self.estimated_time,
            "risks": list(self.risks),
            "evidence": list(self.evidence),
            "origin": self.origin,
            "repairs": self.repairs.mission_json(),
        }


#: Where a fact was seen.
EvidenceSource = Literal[
    "alert",
    "monitor",
    "metric",
    "log",
    "event",
    "object",
    "change",
    "history",
    "repository",
    "registry",
]


class Evidence(Spoken):
    """One observed fact. ``statement`` may quote outside text (masked, shortened): never active, never a command."""

    id: str
    source: EvidenceSource
    statement: str
    object: ObjectRef | None = None
    value: float | None = None
    unit: str = ""
    #: Address of the page that shows it, from configured bases only; empty when there is none.
    link: str = ""
    statement_text: Text | None = None


class Hypothesis(Spoken):
    """A possible cause, scored by evidence for and against it."""

    failure_class: str
    object: ObjectRef
    root_cause: str
    confidence: Ratio
    evidence_for: tuple[str, ...] = ()
    evidence_against: tuple[str, ...] = ()
    root_cause_text: Text | None = None
    evidence_against_text: tuple[Text | None, ...] = ()


class Analysis(Spoken):
    """The diagnosis. ``failure_class`` and ``object`` are the first hypothesis'."""

    failure_class: str
    object: ObjectRef
    root_cause: str
    severity: Severity = "medium"
    confidence: Ratio
    affected_services: tuple[str, ...] = ()
    estimated_impact: str = ""
    evidence: tuple[Evidence, ...] = ()
    #: Ranked, the chosen one first.
    hypotheses: tuple[Hypothesis, ...] = ()
    root_cause_text: Text | None = None
    estimated_impact_text: Text | None = None


class SecondOpinion(Spoken):
    """What the model said, for the record; it decides nothing by itself."""

    provider: str = ""
    model: str = ""
    prompt_version: str = ""
    asked: bool = False
    #: ``agreed``, ``disagreed``, ``used``, ``dropped``, ``failed``, ``not_asked``.
    verdict: str = "not_asked"
    reason: str = ""
    failure_class: str = ""
    summary: str = ""
    elapsed_ms: float = 0.0
    #: Calls that were made for it, repairs and retries included, and the tokens of those that were answered, as the service
    #: says, else what was set aside for the call. All 0 for an answer that was kept, and in records of older versions.
    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    reason_text: Text | None = None


class WatchedAlert(Model):
    """What is asked of the alert's source after a merge. Empty text, ``None``: not known.

    ``measure`` is what the rule compares, in its source's own language, ``side`` and ``threshold`` with what; all three are
    empty for a rule that is no comparison of one measure with one number.
    """

    #: As ``Alert.source`` and ``Alert.account``.
    source: str = ""
    account: str = ""
    #: As ``FiredRule.id`` and ``FiredRule.group``.
    rule_id: str = ""
    group: str = ""
    query: str = ""
    measure: str = ""
    #: On this side of ``threshold`` it is trouble.
    side: Literal["", ">", ">=", "<", "<="] = ""
    threshold: float | None = None


class IncidentContext(Model):
    """What the later stages need of the bundle, so that a record can be decided again without the cluster.

    ``objects`` holds, by lower-case plural, the objects that checks look at: the changed objects themselves,
    ``resourcequotas``, ``limitranges``, ``horizontalpodautoscalers``, ``poddisruptionbudgets`` of the namespaces,
    and ``nodes`` (allocatable only). A missing key means: not collected, and a check must say ``unknown``.
    """

    cluster: str = ""
    namespace: str = ""
    environment: Environment = "unknown"
    service: str = ""
    team: str = ""
    alert_title: str = ""
    monitor_id: int | None = None
    alerted_at: Instant
    #: The alert as it can be asked after. Empty in records of older versions.
    watched: WatchedAlert = Field(default_factory=WatchedAlert)
    tags: dict[str, str] = Field(default_factory=dict)
    links: dict[str, str] = Field(default_factory=dict)
    signature: str = ""
    objects: dict[str, list[Json]] = Field(default_factory=dict)
    #: Measurements around the alert, name to value, for the comparison after the merge
    #: (``cpu_cores``, ``memory_mib``, ``restarts``, ``error_rate``, ``latency_p95_ms``, ``throttled_ratio``).
    baseline: dict[str, float] = Field(default_factory=dict)
    #: Whose requests the baseline measures, so that after the merge the same are.
    traffic: Traffic = Field(default_factory=Traffic)
    similar_incidents: tuple[SimilarIncident, ...] = ()
    successful_patterns: tuple[Pattern, ...] = ()
    failed_patterns: tuple[Pattern, ...] = ()
    #: Merged fixes of this incident that did not hold, the first one first.
    failed_attempts: tuple[FailedAttempt, ...] = ()
    lessons_learned: tuple[str, ...] = ()
    sources: tuple[SourceStatus, ...] = ()
    #: Who says in which environment this is, and in whose cluster. What is done reads these, never ``environment`` alone.
    proof: EnvironmentProof = Field(default_factory=EnvironmentProof)
    claim: ClusterClaim = Field(default_factory=ClusterClaim)
    #: What image registries said, and which of them may be asked again.
    registry: RegistryAnswers = Field(default_factory=RegistryAnswers)


class BrokenRule(Model):
    """A rule, or a builder of plans, that broke: a defect of K-Fix that this incident met."""

    #: ``rules of FAMILY`` or ``plans of CLASS``.
    where: str
    #: The error's type and the line that raised it, without its message.
    what: str


class CandidatePlans(Spoken, Record):
    """One decision. ``status`` ``solution_proposed`` has plans; the other two have a ``reason`` and none."""

    incident_id: str
    fingerprint: str
    status: Status
    reason: AbstentionReason = ""
    #: One sentence for people: why this status.
    explanation: str = ""
    #: ``first`` alert of the incident, a ``repeat`` of an open one, or its ``recovery``.
    role: Literal["first", "repeat", "recovery"] = "first"
    context: IncidentContext
    analysis: Analysis | None = None
    plans: tuple[ActionPlan, ...] = ()
    second_opinion: SecondOpinion = Field(default_factory=SecondOpinion)
    rules_version: str = ""
    #: What was not heard. The remaining rules decided.
    broken: tuple[BrokenRule, ...] = ()
    #: What people can look at: two to five, none where nothing is to be done. Empty in records of older versions.
    next_steps: tuple[NextStep, ...] = ()
    explanation_text: Text | None = None
    #: What was heard of the world for it. Empty in records of older versions.
    world: World = Field(default_factory=World)
