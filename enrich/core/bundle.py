"""Everything gathered becomes one bundle: masked, trimmed, bounded, always of the same shape. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from enrich.core.bounds import bounded
from enrich.core.changes import rollouts
from enrich.core.names import Named, first_tag, named, pairs_of
from enrich.core.objects import trimmed
from enrich.core.repeats import episode_of, trouble_of_alert
from enrich.core.subject import FoundSubject, resolve
from kfix.incident import environments
from kfix.incident.cluster_names import Fleet, Own, is_ours
from kfix.incident.metric_queries import answered
from kfix.incident.redaction import mask, mask_json
from kfix.incident.signature import signature
from manifests.objects.kinds import plural_of
from manifests.objects.meta import labels_of, name_of, namespace_of
from schemas.alerts import Alert
from schemas.base import Json, Model, ObjectRef
from schemas.context import (
    Change,
    ContextBundle,
    DeclaredObject,
    KubernetesContext,
    LogExcerpt,
    Monitor,
    Pattern,
    Series,
    SimilarIncident,
    SourceStatus,
    Traffic,
)
from schemas.identity import stable_id
from schemas.images import RegistryAnswers
from schemas.places import ClusterClaim, EnvironmentProof
from schemas.subjects import SubjectSearch, Withheld

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class GatheredEvidence:
    """What the sources gave for one alert, unmasked. Objects by plural, as in ``KubernetesContext``."""

    alert: Alert
    delivery_id: str
    received_at: datetime
    #: Ties the bundle to its delivery's other records; the delivery id when there is none.
    trace_id: str = ""
    monitor: Monitor | None = None
    objects: Mapping[str, Iterable[Json]] = field(default_factory=dict)
    logs: tuple[LogExcerpt, ...] = ()
    metrics: tuple[Series, ...] = ()
    #: Whose requests were asked for.
    traffic: Traffic = field(default_factory=Traffic)
    commits: tuple[Change, ...] = ()
    declared: tuple[DeclaredObject, ...] = ()
    sources: tuple[SourceStatus, ...] = ()
    extra: Mapping[str, Json] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    claim: ClusterClaim = field(default_factory=ClusterClaim)
    registry: RegistryAnswers = field(default_factory=RegistryAnswers)
    #: Who was looked for; ``None``: the alert's own tags say it.
    found: FoundSubject | None = None
    withheld: Withheld = field(default_factory=Withheld)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say about bundles."""

    fleet: Fleet = field(default_factory=Fleet)
    environments: Mapping[str, str] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)
    max_bytes: int = 3_000_000


@dataclass(frozen=True, slots=True)
class Recalled:
    """What earlier incidents teach about this one."""

    similar: tuple[SimilarIncident, ...] = ()
    lessons: tuple[str, ...] = ()
    successful: tuple[Pattern, ...] = ()
    failed: tuple[Pattern, ...] = ()


def assemble(gathered: GatheredEvidence, rules: Rules) -> ContextBundle:
    """The bundle, of any size. The same gathered evidence gives the same bundle."""
    said = gathered.alert
    alert = _masked_model(said)
    tags = mask_json(tags_of(gathered))
    found = gathered.found
    who = (
        named(tags, rules.fleet.chosen(gathered.claim).name)
        if found is None
        else _masked_names(found.who)
    )
    objects = {
        kind: [mask_json(trimmed(item)) for item in items]
        for kind, items in gathered.objects.items()
    }
    subject = resolve(who, objects) if found is None else _masked_ref(found.subject)
    namespace = who.namespace or (subject.namespace if subject else "")
    monitor = _masked_model(gathered.monitor) if gathered.monitor else None
    masked = replace(gathered, alert=alert, monitor=monitor)
    proof = proof_of(masked, rules, subject, namespace, objects)
    bundle = ContextBundle(
        event_id=stable_id("ctx", gathered.delivery_id),
        trace_id=gathered.trace_id or gathered.delivery_id,
        occurred_at=gathered.received_at,
        alert=alert.model_copy(update={"labels": tags}),
        alerted_at=alert.happened_at or gathered.received_at,
        cycle=episode_of(said, gathered.delivery_id, rules.fleet),
        trouble=trouble_of_alert(said),
        environment=proof.environment,
        service=who.service or (subject.name if subject else ""),
        team=rules.teams.get(namespace) or who.team or _label(objects, subject, "team"),
        monitor=monitor,
        k8s_context=KubernetesContext(
            cluster=_cluster(gathered.claim, rules.fleet.called(who.cluster)),
            namespace=namespace,
            subject=subject,
            pod=who.pod,
            objects=objects,
        ),
        logs=tuple(_masked_log(log) for log in gathered.logs),
        metrics=tuple(_masked_series(series) for series in gathered.metrics),
        traffic=_masked_model(answered(gathered.traffic, gathered.metrics)),
        changes=(*(_masked_model(commit) for commit in gathered.commits), *rollouts(objects)),
        declared=tuple(
            d.model_copy(update={"object": mask_json(d.object)}) for d in gathered.declared
        ),
        sources=tuple(_masked_model(source) for source in gathered.sources),
        extra=mask_json(gathered.extra),
        links=mask_json(gathered.links),
        proof=proof,
        claim=_masked_model(gathered.claim),
        search=_masked_model(found.search) if found else SubjectSearch(),
        withheld=gathered.withheld,
        registry=_masked_model(gathered.registry),
    )
    return bundle.model_copy(update={"signature": signature(bundle)})


def with_commits(bundle: ContextBundle, commits: Iterable[Change]) -> ContextBundle:
    """The bundle with commits that were found by what it is about, masked."""
    masked = [_masked_model(commit) for commit in commits]
    return bundle.model_copy(update={"changes": (*masked, *bundle.changes)})


def completed(
    bundle: ContextBundle, recalled: Recalled, sources: Iterable[SourceStatus], rules: Rules
) -> ContextBundle:
    """The bundle with what the memory knows and how each source answered, masked as well, within its bound.

    Raises errors.Rejected when the alert alone does not fit into ``rules.max_bytes``.
    """
    known = bundle.model_copy(
        update={
            "similar_incidents": tuple(_masked_model(s) for s in recalled.similar),
            "lessons_learned": tuple(mask(lesson) for lesson in recalled.lessons),
            "successful_patterns": tuple(_masked_model(p) for p in recalled.successful),
            "failed_patterns": tuple(_masked_model(p) for p in recalled.failed),
            "sources": (*(_masked_model(source) for source in sources), *bundle.sources),
        }
    )
    return bounded(known, rules.max_bytes)


def proof_of(
    gathered: GatheredEvidence,
    rules: Rules,
    subject: ObjectRef | None,
    namespace: str,
    objects: Mapping[str, list[Json]],
) -> EnvironmentProof:
    """What alert, monitor, settings and the subject's objects say of the environment. The settings say nothing of a cluster
    that is not ours."""
    alert, monitor = gathered.alert, gathered.monitor
    own = rules.fleet.chosen(gathered.claim) if is_ours(gathered.claim) else Own()
    refs = [subject] if subject is not None else []
    if namespace and not refs:
        refs = [ObjectRef(kind="Namespace", name=namespace)]
    return environments.judge(
        (
            *environments.of_alert(alert.labels, alert.rule.group),
            *environments.of_monitor(monitor),
            *environments.of_cluster(own, namespace, rules.environments),
            *environments.of_objects(objects, refs),
        )
    )


def _cluster(claim: ClusterClaim, named: str) -> str:
    """Ours has one name, whatever alias an alert has for it: one trouble is one incident. Others have theirs."""
    if is_ours(claim):
        return claim.own
    return mask(", ".join(claim.named)) or named


def tags_of(gathered: GatheredEvidence) -> dict[str, str]:
    """The alert's tags; the monitor's where the alert says nothing."""
    monitor = gathered.monitor.tags if gathered.monitor else ()
    return {**pairs_of(monitor), **gathered.alert.labels}


def _masked_model(value: M) -> M:
    """A copy with every text in it masked: whatever field a sender put a secret in."""
    return type(value).model_validate(mask_json(value.model_dump()))


def _masked_ref(ref: ObjectRef | None) -> ObjectRef | None:
    return None if ref is None else _masked_model(ref)


def _masked_names(who: Named) -> Named:
    """The names that people and searches are shown."""
    return replace(
        who,
        namespace=mask(who.namespace),
        pod=mask(who.pod),
        service=mask(who.service),
        team=mask(who.team),
    )


def _masked_series(series: Series) -> Series:
    """As ``_masked_model``, without walking over the numbers."""
    return series.model_copy(update={"tags": mask_json(series.tags), "query": mask(series.query)})


def _masked_log(log: LogExcerpt) -> LogExcerpt:
    return log.model_copy(
        update={"lines": tuple(mask("\n".join(log.lines)).split("\n")) if log.lines else ()}
    )


def _label(objects: Mapping[str, list[Json]], subject: Any, name: str) -> str:
    if subject is None:
        return ""
    for item in objects.get(plural_of(subject.kind), ()):
        if (namespace_of(item), name_of(item)) == (subject.namespace, subject.name):
            return first_tag({k: str(v) for k, v in labels_of(item).items()}, name)
    return ""
