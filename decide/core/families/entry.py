"""One kind of failure, as code and paper know it. A record owns everything that is known of its class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from decide.core.facts import Facts
from kfix.texts import both
from schemas.base import Severity
from schemas.plans import AbstentionReason

#: ``cause``: somebody can mend it. ``symptom``: says that something is wrong, not what. ``calm``: nothing is wrong.
#: ``unknown``: the evidence does not tell.
Nature = Literal["cause", "symptom", "calm", "unknown"]
#: Evidence as it is collected: several kinds of objects can be one source.
Collected = Literal[
    "pods",
    "controllers",
    "events",
    "nodes",
    "services",
    "endpoints",
    "claims",
    "policies",
    "configuration",
    "logs",
    "metrics",
]
#: What people look at, as ``decide.core.looks`` makes commands of it.
Look = Literal[
    "object",
    "declared",
    "pod",
    "said",
    "history",
    "pods",
    "controllers",
    "events",
    "usage",
    "labels",
    "registry",
    "tags",
    "configuration",
    "bounds",
    "quota",
    "limit_range",
    "accounts",
    "rights",
    "webhooks",
    "priority_classes",
    "runtime_classes",
    "namespace",
    "claims",
    "volumes",
    "attachments",
    "devices",
    "leases",
    "grants",
    "autoscalers",
    "budgets",
    "jobs",
    "services",
    "endpoints",
    "policies",
    "routes",
    "mesh",
    "certificates",
    "node",
    "nodes",
    "node_labels",
    "room",
    "on_node",
    "node_usage",
    "kernel_inotify",
    "kernel_map_count",
    "kernel_conntrack",
    "kernel_open_files",
    "kernel_pids",
    "system",
    "dns",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What the classes of one folder share unless a record says otherwise."""

    #: The folder's name.
    id: str
    #: In which sources its causes show. Without one of them its confounders cannot be told apart.
    shows_in: tuple[Collected, ...]
    #: Ids of the classes that its own are most often taken for.
    mistaken_for: tuple[str, ...]
    #: The source whose absence says that such a cause was not looked for; empty: none in particular.
    told_by: Literal["", Collected] = ""
    #: Its causes stand at a node, whatever object suffers.
    at_node: bool = False
    #: What people look at first where such a cause is handed to them.
    look_at: tuple[Look, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureClass:
    """A kind of failure: what people read about it, how it stands to other kinds, and what a manifest can do."""

    id: str
    family: Family
    en: str
    fr: str
    #: What is seen first, before anybody knows the cause.
    symptoms: str
    #: What decides it, as programs write it.
    evidence: str
    #: What looks like it and is not.
    confounders: str
    #: Plans in order; empty: nothing in the manifests mends it.
    plans: str
    #: Where the mechanism or the message is documented.
    source: str
    #: ``evidence`` for French readers; empty where it is nothing but what programs write.
    evidence_fr: str = ""
    #: What its rules tell its plans: the type of its findings' facts.
    facts: type[Facts] = Facts
    severity: Severity = "high"
    #: Why people are asked when there is no plan.
    handoff: AbstentionReason = "outside_manifests"
    nature: Nature = "cause"

    shows_in: tuple[Collected, ...]
    told_by: Literal["", Collected]
    at_node: bool
    #: What people look at first, before the family's.
    look_at: tuple[Look, ...] = ()
    #: Ids of the classes that it is most often taken for, before the family's.
    mistaken_for: tuple[str, ...] = ()
    #: Ids of the classes that say it more exactly at the same object: it steps back behind them.
    yields_to: tuple[str, ...] = ()
    #: It steps back behind every cause at the same object.
    yields_to_causes: bool = False
    #: Ids of the classes that it explains at other objects too, whatever leads there.
    explains: tuple[str, ...] = ()
    #: What a caller says of somebody it calls: it steps back where that one has a cause of its own.
    of_a_callee: bool = False
    #: It is every workload's trouble, wherever it stands.
    everybodys: bool = False
    #: What makes it others set up or closed on purpose: behind another trouble it is named, and not changed.
    others_own: bool = False
    #: Told from metrics alone: when their monitor is content again, the trouble is over.
    measured: bool = False
    #: The last good revision is a plan beside the others; else only where there is no other.
    rollback_too: bool = False
    #: Its program says or shows that it cannot go on, and not which setting is to blame.
    blames_no_setting: bool = False
    #: Fields of the pod spec that the fault stands in: where the repository declares others, the cluster has drifted.
    drift_places: tuple[str, ...] = ()
    #: Id of the class under which the incident is known, when it is a part of a larger trouble.
    incident_as: str = ""

    @property
    def names_cause(self) -> bool:
        """Something is wrong and this says what, exactly or not."""
        return self.nature in ("cause", "symptom")

    @property
    def rivals(self) -> tuple[str, ...]:
        """Ids of the classes that it is taken for, the most usual first."""
        return (*self.mistaken_for, *self.family.mistaken_for)

    @property
    def looks(self) -> tuple[Look, ...]:
        """What people look at where it is handed to them, the most telling first."""
        return (*self.look_at, *self.family.look_at)

    @property
    def seen_by(self) -> str:
        """What decides it, as a sentence in both languages."""
        return both(self.evidence, self.evidence_fr) if self.evidence_fr else self.evidence

    def title(self, language: str = "en") -> str:
        """The class in one sentence, in the language of messages."""
        return self.fr if language == "fr" else self.en


def of(family: Family, source: str, **shared: object) -> Callable[..., FailureClass]:
    """A maker of one family's classes: what they share is said once."""
    inherited = {
        "shows_in": family.shows_in,
        "told_by": family.told_by,
        "at_node": family.at_node,
    }
    return partial(FailureClass, family=family, source=source, **(inherited | shared))  # type: ignore[arg-type]
