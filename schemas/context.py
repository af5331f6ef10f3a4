"""`context.bundle`: one stable shape of evidence for every kind of alert. Written by enrich, read by decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from schemas.alerts import Alert
from schemas.base import Environment, Instant, Json, Model, ObjectRef, Record, Sample
from schemas.feedback import Feedback
from schemas.images import RegistryAnswers
from schemas.places import ClusterClaim, EnvironmentProof
from schemas.subjects import SubjectSearch, Withheld
from schemas.text import Spoken, Text

OutcomeResult = Literal["success", "partial", "failure", "rejected", "expired"]


class SourceStatus(Spoken):
    """How one source of evidence answered. ``missing`` and ``degraded`` always carry a reason."""

    name: str
    state: Literal["ok", "degraded", "missing"]
    reason: str = ""
    #: Why it is missing: ``unanswered`` may be answered when asked again, ``refused`` needs a person, ``absent`` is not
    #: configured or not there. Empty where nothing is missing, and in records of older versions.
    why: Literal["", "unanswered", "refused", "absent"] = ""
    elapsed_ms: float = 0.0
    reason_text: Text | None = None


class Silence(Model):
    """People asked for silence. ``scope``: tags of the groups that it covers, ``*`` for all; unix seconds, ``None``: open."""

    scope: str
    since: float | None = None
    until: float | None = None


class Monitor(Model):
    """The rule behind the alert, as its source tells when it is asked."""

    #: As ``FiredRule.id``.
    rule_id: str = ""
    name: str = ""
    type: str = ""
    query: str = ""
    message: str = ""
    tags: tuple[str, ...] = ()
    #: ``critical``, ``warning``, ``critical_recovery``, … to number.
    thresholds: dict[str, float] = Field(default_factory=dict)
    overall_state: str = ""
    #: Group name to state, for multi-alert monitors.
    group_states: dict[str, str] = Field(default_factory=dict)
    #: Earlier events of the same monitor, newest first, as ``time transition title``.
    history: tuple[str, ...] = ()
    url: str = ""
    silences: tuple[Silence, ...] = ()
    #: The test whose results it watches; empty for none.
    test_id: str = ""

    @model_validator(mode="before")
    @classmethod
    def _of_version_one(cls, value: Any) -> Any:
        """Records of the first version call the id ``monitor_id``, and it is a number."""
        if isinstance(value, Mapping) and value.get("monitor_id") is not None:
            return {**value, "rule_id": value.get("rule_id") or str(value["monitor_id"])}
        return value


class Series(Model):
    """A metric over time. ``timestamps`` in unix seconds, ``values`` in ``unit``; same length; ``None`` is a gap."""

    metric: str
    tags: dict[str, str] = Field(default_factory=dict)
    unit: str = ""
    query: str = ""
    timestamps: tuple[float, ...] = ()
    values: tuple[Sample, ...] = ()


class Traffic(Model):
    """How a service's requests are found among the metrics of traces."""

    #: Tags of the service and of its environment, as it sends them itself; empty where nobody says.
    service: str = ""
    env: str = ""
    #: Names of the spans by which requests come in (``http.request``).
    operations: tuple[str, ...] = ()


class LogExcerpt(Model):
    """The last lines of one container, or of one service where the source knows no container; secrets masked."""

    #: Who told: ``kubernetes``, ``capture`` (a file), or the name of the system that keeps logs.
    source: str = "kubernetes"
    namespace: str = ""
    pod: str = ""
    container: str = ""
    service: str = ""
    #: Lines of the container's previous run (``kubectl logs --previous``).
    previous: bool = False
    lines: tuple[str, ...] = ()


class Change(Model):
    """Something that changed before the alert: a rollout revision or a commit of the manifest."""

    kind: Literal["rollout", "commit"]
    object: ObjectRef | None = None
    revision: str = ""
    at: Instant | None = None
    author: str = ""
    summary: str = ""
    url: str = ""
    #: Field path to [before, after], for rollouts; unified diff under key ``diff`` for commits.
    detail: Json = None


class DeclaredObject(Model):
    """An object as the deployment repository declares it."""

    project: str = ""
    path: str
    document: int = 0
    object: Json


class Pattern(Model):
    """A kind of fix and how it fared."""

    incident_id: str
    failure_class: str
    fix_kind: str
    #: Kind of the changed object.
    workload_kind: str = ""
    #: ``Kind/namespace/name`` of the changed object.
    object_key: str = ""
    #: Content hash of the plan's changes (``ActionPlan.changes_hash``).
    changes_hash: str = ""
    result: OutcomeResult
    summary: str = ""
    #: Cluster of the changed object; empty in records of older versions.
    cluster: str = ""

    def is_elsewhere(self, cluster: str) -> bool:
        """Was it another object, of the same name in another cluster?"""
        return bool(cluster and self.cluster) and cluster != self.cluster


class AttemptedChange(Model):
    """One field that a fix set."""

    #: ``Kind/namespace/name``.
    object_key: str
    path: str
    before: Json = None
    after: Json = None


class FailedAttempt(Spoken):
    """A merged fix that did not hold, as the next attempt at its incident has to know it."""

    #: The attempt's own id.
    incident_id: str
    fingerprint: str = ""
    fix_kind: str = ""
    title: str = ""
    #: ``ActionPlan.changes_hash`` of what was merged, and of the changes that take it back.
    changes_hash: str = ""
    revert_hash: str = ""
    changes: tuple[AttemptedChange, ...] = ()
    #: The merge request's number in its project, and its page; 0 and empty where it is not known.
    iid: int = 0
    url: str = ""
    merged_at: Instant | None = None
    checked_at: Instant | None = None
    #: What was seen after the merge, with its numbers.
    explanation: str = ""
    title_text: Text | None = None
    explanation_text: Text | None = None


class SimilarIncident(Spoken):
    """An earlier incident close to this one. ``similarity`` is the cosine of the masked signatures."""

    incident_id: str
    similarity: float
    failure_class: str = ""
    object_key: str = ""
    title: str = ""
    plan_title: str = ""
    fix_kind: str = ""
    result: OutcomeResult | None = None
    lesson: str = ""
    at: Instant | None = None
    url: str = ""
    lesson_text: Text | None = None
    #: What people said of its fix, the oldest first: their words, masked and short, not ours.
    people: tuple[Feedback, ...] = ()


class KubernetesContext(Model):
    """The cluster around the alert.

    ``objects`` maps a lower-case plural (``pods``, ``deployments``, ``events``, ``resourcequotas``, ``nodes``, …)
    to the raw objects, without managedFields and with Secrets' values removed; of a Secret stays who wrote it when,
    and as ``notAfter`` when the certificate in it ends.
    A missing key: that kind was not collected. An empty list: it was listed and there is none.
    """

    cluster: str = ""
    namespace: str = ""
    #: What the alert points at, resolved to its controller (Pod → Deployment, …); ``None`` when it names nothing.
    subject: ObjectRef | None = None
    #: The pod the alert named, when it named one.
    pod: str = ""
    objects: dict[str, list[Json]] = Field(default_factory=dict)


class ContextBundle(Record):
    """All evidence for one alert. ``event_id`` derives from the delivery, ``trace_id`` is the delivery id."""

    alert: Alert
    #: The incident, or the attempt at it, whose merged fix did not hold: this evidence was gathered anew for the next plan.
    retry_of: str = ""
    #: The fix that did not hold, where ``retry_of`` names an attempt.
    failed_attempt: FailedAttempt | None = None
    #: When the sender says it happened; falls back to the time of reception.
    alerted_at: Instant
    #: Stable identity of the alert's episode: rule, group and fingerprint; a recovery has its alert's.
    cycle: str
    #: Stable identity of what the alert is about while no cause is known: rule and group, or title and labels. The
    #: same for trigger, renotification and recovery. Empty in records of older versions.
    trouble: str = ""
    #: What the proof comes to.
    environment: Environment = "unknown"
    service: str = ""
    team: str = ""
    monitor: Monitor | None = None
    k8s_context: KubernetesContext = Field(default_factory=KubernetesContext)
    logs: tuple[LogExcerpt, ...] = ()
    metrics: tuple[Series, ...] = ()
    #: What the metrics tell of requests is of this.
    traffic: Traffic = Field(default_factory=Traffic)
    changes: tuple[Change, ...] = ()
    declared: tuple[DeclaredObject, ...] = ()
    similar_incidents: tuple[SimilarIncident, ...] = ()
    lessons_learned: tuple[str, ...] = ()
    successful_patterns: tuple[Pattern, ...] = ()
    failed_patterns: tuple[Pattern, ...] = ()
    sources: tuple[SourceStatus, ...] = ()
    #: Tool outputs without an object form (services on nodes, connectivity), by name.
    extra: dict[str, Json] = Field(default_factory=dict)
    #: Model id of the vector that the bundle's signature was embedded with; the text itself, masked.
    signature: str = ""
    #: Pages a person would open, name to address; built from configured bases only.
    links: dict[str, str] = Field(default_factory=dict)
    #: Who says in which environment this is, and in whose cluster.
    proof: EnvironmentProof = Field(default_factory=EnvironmentProof)
    claim: ClusterClaim = Field(default_factory=ClusterClaim)
    #: How the subject was looked for, and why nothing is to be done for the alert.
    search: SubjectSearch = Field(default_factory=SubjectSearch)
    withheld: Withheld = Field(default_factory=Withheld)
    #: What image registries say of images that do not come, and of what might stand in for them.
    registry: RegistryAnswers = Field(default_factory=RegistryAnswers)
