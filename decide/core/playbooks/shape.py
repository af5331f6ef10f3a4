"""What a playbook file may say: a closed shape, checked before anything of it is used."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from manifests.objects import paths
from schemas.base import Severity
from schemas.plans import AbstentionReason

#: Longest expression, in characters: a condition that is longer is a program.
LONGEST = 500
Expression = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST, strip_whitespace=True)
]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{2,59}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=300)]
#: A class that a playbook brings with it; what is well or undecided is for the rules to say.
PlaybookFamily = Literal[
    "resources",
    "admission",
    "scheduling",
    "startup",
    "runtime",
    "services",
    "dependencies",
    "performance",
    "nodes",
]
#: Kinds whose objects a playbook can look at.
Kind = Literal[
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "Pod",
    "Service",
    "Ingress",
    "HorizontalPodAutoscaler",
    "PersistentVolumeClaim",
    "PodDisruptionBudget",
    "NetworkPolicy",
    "ConfigMap",
    "Node",
    "Namespace",
]
_CONTAINER = r"(?:spec|spec\.template\.spec|spec\.jobTemplate\.spec\.template\.spec)"
_NAMED = rf"{_CONTAINER}\.(?:initContainers|containers)\[[^\]]+\]"
#: Which fields each kind of fix may write. Security settings, policies, accounts' rights and commands are none of them.
FIELDS: dict[str, re.Pattern[str]] = {
    kind: re.compile(pattern)
    for kind, pattern in {
        "set_cpu": rf"{_NAMED}\.resources\.(requests|limits)\.cpu",
        "set_memory": rf"{_NAMED}\.resources\.(requests|limits)\.memory",
        "set_replicas": r"spec\.(replicas|suspend|parallelism)",
        "set_autoscaler_bounds": r"spec\.(min|max)Replicas",
        "set_image": rf"{_NAMED}\.image(PullPolicy)?",
        "set_image_pull_secret": rf"{_CONTAINER}\.imagePullSecrets\[[^\]]+\]\.name",
        "set_probe": rf"{_NAMED}\.(liveness|readiness|startup)Probe\.((httpGet|tcpSocket|grpc)\.(port|path|scheme)|\w+(Seconds|Threshold))",
        "set_env": rf"{_NAMED}\.env\[[^\]]+\]\.value",
        "set_reference": rf"{_NAMED}\.(env\[[^\]]+\]\.valueFrom|envFrom\[[^\]]+\])\.\w+\.(name|key)"
        rf"|{_CONTAINER}\.volumes\[[^\]]+\]\.(configMap\.name|secret\.secretName|persistentVolumeClaim\.claimName)",
        "set_service_port": r"spec\.ports\[[^\]]+\]\.(port|targetPort|protocol)",
        "set_service_selector": r"spec\.selector(\.[^.\[\]]+|\['[^']+'\])",
        "set_scheduling": rf"{_CONTAINER}\.(nodeSelector(\.[^.\[\]]+|\['[^']+'\])|priorityClassName|schedulerName)",
        "set_quota": r"spec\.hard(\.[^.\[\]]+|\['[^']+'\])",
        "set_volume": r"spec\.(storageClassName|resources\.requests\.storage)",
        "set_strategy": r"spec\.(paused|minReadySeconds|progressDeadlineSeconds|revisionHistoryLimit|(strategy|updateStrategy)(\.\w+)+)",
        "set_service_account": rf"{_CONTAINER}\.serviceAccountName",
    }.items()
}
PlaybookFix = Literal[
    "set_cpu",
    "set_memory",
    "set_replicas",
    "set_autoscaler_bounds",
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
    "set_service_account",
]
#: The only fields that may be taken away: what holds something back. A probe, a limit, a policy never is.
_REMOVABLE = re.compile(
    rf"spec\.(paused|suspend|(strategy|updateStrategy)\.rollingUpdate\.partition)|{_CONTAINER}\.(nodeSelector(\.[^.\[\]]+|\['[^']+'\])|schedulerName)"
)
#: ``{name}`` in a path or a text: the value of a ``let``, or ``name``, ``namespace``, ``kind``.
PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Part(BaseModel):
    """A part of a playbook: no field that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PlaybookText(Part):
    """A sentence for people, with ``{placeholders}``. Without French the English stands."""

    en: Line
    fr: Line = ""

    def of(self, language: str) -> str:
        """In the language of messages."""
        return (self.fr or self.en) if language == "fr" else self.en


class PlaybookEvidence(Part):
    """A piece of evidence that people are shown; with ``when``, only where that holds."""

    source: Literal["object", "event", "metric", "log", "repository"]
    text: PlaybookText
    when: Expression | None = None


class FieldStep(Part):
    """One field's new value: an expression, or its removal."""

    path: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    to: Expression | None = None
    remove: bool = False

    @model_validator(mode="after")
    def _one_of(self) -> FieldStep:
        if (self.to is None) != self.remove:
            raise ValueError("give either 'to' or 'remove: true'")
        paths.parse(PLACEHOLDER.sub("x", self.path))
        return self


class PlanStep(Part):
    """A plan: typed changes to one object."""

    title: PlaybookText
    why: PlaybookText
    fix: PlaybookFix
    #: The matched object, its one autoscaler, or the one Service that selects it.
    target: Literal["object", "scaler", "service"] = "object"
    #: Multiplies the diagnosis' confidence.
    weight: float = Field(default=0.8, gt=0, le=1)
    when: Expression | None = None
    changes: Annotated[tuple[FieldStep, ...], Field(min_length=1, max_length=6)]
    risks: tuple[PlaybookText, ...] = Field(default=(), max_length=4)

    @model_validator(mode="after")
    def _allowed(self) -> PlanStep:
        for step in self.changes:
            sample = PLACEHOLDER.sub("x", step.path)
            if not FIELDS[self.fix].fullmatch(sample):
                raise ValueError(f"{self.fix} may not write {step.path}")
            if step.remove and not _REMOVABLE.fullmatch(sample):
                raise ValueError(f"{step.path} is never removed: give it a value")
        return self


class Playbook(Part):
    """One kind of failure: how it is recognised, what people read about it, and what repairs it."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    #: The failure class: a known one, or a new one. Stable: it is in fingerprints, outcomes and history.
    id: Identifier
    title: PlaybookText
    family: PlaybookFamily = "runtime"
    severity: Severity = "medium"
    #: Where the mechanism is documented.
    source: Line
    #: What looks like it and is not.
    confounders: str = Field(default="", max_length=300)
    #: Kind of the objects that are looked at.
    for_: Kind = Field(alias="for")
    #: Paths that must be there: a look that costs nothing, before any expression.
    needs: tuple[
        Annotated[str, StringConstraints(pattern=r"^\w+(\.\w+)*$", max_length=200)], ...
    ] = Field(default=(), max_length=6)
    #: Named expressions, in order; each may use those before it.
    let: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,29}$")], Expression] = (
        Field(default_factory=dict, max_length=12)
    )
    #: All must be true.
    when: Annotated[tuple[Expression, ...], Field(min_length=1, max_length=12)]
    #: Belief that this class at this object explains the alert: 0.9 when the responsible program itself says so,
    #: 0.7 when the configuration is wrong and symptoms fit, 0.5 for one of the two.
    score: float = Field(ge=0.05, le=0.95)
    diagnosis: PlaybookText
    evidence: tuple[PlaybookEvidence, ...] = Field(default=(), max_length=8)
    plans: tuple[PlanStep, ...] = Field(default=(), max_length=3)
    #: Why people are asked when no plan applies.
    handoff: AbstentionReason = "outside_manifests"
