"""Asks all sources for one alert, side by side, each with a deadline; what failed is noted, never raised."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from datetime import datetime

from enrich.core.bundle import (
    GatheredEvidence,
    Recalled,
    Rules,
    assemble,
    completed,
    proof_of,
    tags_of,
)
from enrich.core.images import ImageQuestion
from enrich.core.images import question as image_question
from enrich.core.names import Named, readings, tags_said
from enrich.core.objects import ObjectIndex
from enrich.core.reads import read_by
from enrich.core.search import search_names, traffic_of
from enrich.core.subject import circumstances
from enrich.core.summing_up import rule_of_test, sums_up
from enrich.core.withheld import withheld
from enrich.ports import (
    DeclaredRepository,
    ImageLookup,
    Observability,
    Sources,
)
from enrich.service.looking import Looking, space_of
from enrich.service.round import Round
from kfix.incident import cluster_names
from kfix.incident.environments import called
from kfix.texts import say
from manifests.objects.meta import namespace_of
from manifests.objects.shapes import mapping
from schemas.alerts import Alert, RawAlert
from schemas.base import Json, ObjectRef
from schemas.context import (
    Change,
    ContextBundle,
    DeclaredObject,
    LogExcerpt,
    Monitor,
    SourceStatus,
)
from schemas.images import RegistryAnswers
from schemas.text import cut


async def gather(raw: RawAlert, sources: Sources, rules: Rules, deadline_s: float) -> ContextBundle:
    """The bundle of one delivery. Never raises for a source's sake; errors.Rejected for an alert that fits no record."""
    round_ = Round(deadline_s)
    watching = sources.observability
    alert = raw.alert
    if alert.is_test:
        return _short(raw, alert, round_, rules)
    known = alert.rule.id and alert.labels and alert.state != "unknown"
    if watching.sent(alert) and alert.notification_id and not known:
        alert = await round_.ask(f"{watching.name}.event", watching.complete(alert), alert)
    if alert.state == "resolved" or alert.is_test:
        return _short(raw, alert, round_, rules)
    monitor: Monitor | None = None
    if watching.sent(alert) and alert.rule.id:
        question = _some(watching.monitor(alert.rule.id))
        monitor = await round_.ask(f"{watching.name}.monitor", question, None)
    claim = cluster_names.claim(alert.labels, alert.rule.group, monitor, rules.fleet)
    behind: list[Monitor] = []
    if claim.verdict != "foreign" and rules.fleet.known:
        behind = await _behind(round_, watching, alert, monitor)
        claim = cluster_names.claim(alert.labels, alert.rule.group, monitor, rules.fleet, behind)
    started = GatheredEvidence(
        alert=alert,
        delivery_id=raw.event_id,
        received_at=raw.occurred_at,
        trace_id=raw.trace_id,
        monitor=monitor,
        claim=claim,
    )
    if not cluster_names.is_ours(claim):
        return _unread(started, watching, round_, rules)
    until = alert.happened_at or raw.occurred_at
    said = tags_said(tags_of(started), alert.rule, monitor)
    started = replace(started, withheld=withheld(alert, monitor, said, until))
    if started.withheld.kind:
        return completed(assemble(started, rules), Recalled(), round_.statuses, rules)
    whos = readings(
        tags_of(started),
        alert.rule,
        monitor,
        behind,
        cluster=rules.fleet.chosen(claim).name,
        host=alert.host,
    )
    chosen = sources.clusters[claim.own]
    looking = Looking(
        round_, chosen.cluster, circumstances(alert, monitor, until, rules.environments)
    )
    objects = await looking.begin(whos)
    claim = cluster_names.another(claim, rules.fleet, uid_of(objects))
    if not cluster_names.is_ours(claim):
        return _unread(replace(started, claim=claim), watching, round_, rules)
    found, objects = await looking.end(whos, objects)
    who, subject = found.who, found.subject
    watched = alert.rule.query or (monitor.query if monitor else "")
    names = search_names(who, subject, said, objects, cluster=claim.own, query=watched)
    place = _place(started, rules, subject, who, objects)
    (pod_logs, kept_logs, metrics, (declared, commits)) = await asyncio.gather(
        round_.ask("kubernetes.logs", chosen.cluster.logs(pods_of(objects, subject, who)), []),
        _kept_logs(round_, watching, names, until),
        round_.ask(f"{watching.name}.metrics", watching.metrics(names, until), []),
        round_.ask("gitlab", _declared(chosen.repository, subject, place, objects), ([], [])),
    )
    asked = image_question(objects, space_of(found), commits, pod_logs)
    registry = await _registry(round_, sources.images, asked)
    bundle = assemble(
        GatheredEvidence(
            alert=alert,
            delivery_id=raw.event_id,
            received_at=raw.occurred_at,
            trace_id=raw.trace_id,
            monitor=monitor,
            objects=objects,
            logs=(*pod_logs, *_without(kept_logs, pod_logs)),
            metrics=tuple(metrics),
            traffic=traffic_of(names),
            commits=tuple(commits),
            declared=tuple(declared),
            links=watching.links(alert, names),
            claim=claim,
            registry=registry,
            found=found,
        ),
        rules,
    )
    recalled = await round_.ask("memory", sources.memory.recall(bundle.signature), Recalled())
    return completed(bundle, recalled, round_.statuses, rules)


def _short(raw: RawAlert, alert: Alert, round_: Round, rules: Rules) -> ContextBundle:
    """The bundle of a recovery, and of a notification that is tried: who and when is all that matters."""
    gathered = GatheredEvidence(
        alert=alert,
        delivery_id=raw.event_id,
        received_at=raw.occurred_at,
        trace_id=raw.trace_id,
        withheld=withheld(alert, None, {}, raw.occurred_at),
    )
    return completed(assemble(gathered, rules), Recalled(), round_.statuses, rules)


def _unread(
    gathered: GatheredEvidence, watching: Observability, round_: Round, rules: Rules
) -> ContextBundle:
    """The bundle of an alert about a cluster that is not ours: what it names, and nothing that was read anywhere else."""
    claim = gathered.claim
    named: str = ", ".join(claim.named) or say("enrich.no_cluster")
    undecided = claim.verdict == "unclaimed" and claim.own
    text = "enrich.undecided" if undecided else "enrich.not_ours"
    own: str = claim.own or say("enrich.no_cluster")
    reason = cut(say(text, named=named, own=own), 300)
    round_.statuses = [s for s in round_.statuses if not s.name.startswith("kubernetes.")]
    round_.statuses.append(SourceStatus(name="cluster", state="degraded", reason=reason))
    told = replace(gathered, links=watching.links(gathered.alert, {}))
    return completed(assemble(told, rules), Recalled(), round_.statuses, rules)


def uid_of(objects: Mapping[str, list[Json]]) -> str:
    """The UID of ``kube-system``, which is the cluster's identity; empty where it was not read."""
    found = (mapping(item, "metadata") for item in objects.get("namespaces", ()))
    return next((str(m.get("uid") or "") for m in found if m.get("name") == "kube-system"), "")


def _place(
    started: GatheredEvidence,
    rules: Rules,
    subject: ObjectRef | None,
    who: Named,
    objects: Mapping[str, list[Json]],
) -> str:
    namespace = who.namespace or (subject.namespace if subject else "")
    return called(proof_of(started, rules, subject, namespace, dict(objects)))


async def _kept_logs(
    round_: Round, watching: Observability, names: Mapping[str, str], until: datetime
) -> list[LogExcerpt]:
    """Logs that are kept outside of the cluster; who keeps none is not asked."""
    if not watching.keeps_logs:
        return []
    return await round_.ask(f"{watching.name}.logs", watching.logs(names, until), [])


async def _behind(
    round_: Round, watching: Observability, alert: Alert, monitor: Monitor | None
) -> list[Monitor]:
    """The rules that the alert's one sums up; nobody is asked where it watches something itself."""
    rule = monitor or rule_of_test(alert)
    if not watching.sent(alert) or not sums_up(rule):
        return []
    return await round_.ask(f"{watching.name}.behind", watching.behind(rule), [])


async def _registry(round_: Round, images: ImageLookup, asked: ImageQuestion) -> RegistryAnswers:
    """What registries say of images that do not come. Where all images come, nobody is asked and nobody is missing."""
    if not asked.wanted:
        return RegistryAnswers(hosts=images.allowed(asked.running))
    source = "registry"
    found = await round_.ask(source, images.answers(asked), RegistryAnswers())
    silent = [one for one in map(found.of, (i.canonical for i in asked.wanted)) if one.why]
    if silent and found.images:
        why = silent[0].detail or silent[0].why
        round_.lacking(source, say("enrich.registry", image=silent[0].reference, why=why))
    return found


def pods_of(objects: Mapping[str, list[Json]], subject: ObjectRef | None, who: Named) -> list[Json]:
    """The pods that the subject controls; all pods of the namespace while nobody is named."""
    pods = objects.get("pods", [])
    if subject is None:
        return [pod for pod in pods if namespace_of(pod) == who.namespace]
    wanted = (subject.kind, subject.namespace, subject.name)
    index = ObjectIndex(objects)
    owners = ((pod, index.top_controller(pod)) for pod in pods)
    return [pod for pod, owner in owners if (owner.kind, owner.namespace, owner.name) == wanted]


async def _some(question: Awaitable[Monitor]) -> Monitor | None:
    return await question


async def _declared(
    repository: DeclaredRepository,
    subject: ObjectRef | None,
    place: str,
    objects: Mapping[str, list[Json]],
) -> tuple[list[DeclaredObject], list[Change]]:
    if subject is None:
        return [], []
    return await repository.declared(subject, place, read_by(subject, objects))


def _without(logs: list[LogExcerpt], better: list[LogExcerpt]) -> list[LogExcerpt]:
    """Logs of pods that the cluster itself told nothing about."""
    told = {log.pod for log in better}
    return [log for log in logs if not log.pod or log.pod not in told]
