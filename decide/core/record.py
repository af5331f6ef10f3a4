"""A verdict becomes a record: identity, and the part of the bundle that later stages need. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

from decide.core.broken import heard
from decide.core.next_steps import next_steps
from decide.core.opinion import Verdict, determined
from decide.core.taxonomy import CLASSES
from decide.core.version import RULES_VERSION
from kfix.incident.alert_measures import watched
from kfix.incident.measurements import measure
from kfix.texts import in_language, language_of, say
from manifests.objects.meta import kind_of, labels_of, name_of, namespace_of
from manifests.objects.pods import template_of
from manifests.objects.shapes import mapping, text
from schemas.base import Json, ObjectRef
from schemas.context import ContextBundle, FailedAttempt
from schemas.identity import fingerprint, stable_id
from schemas.plans import BrokenRule, CandidatePlans, IncidentContext, SecondOpinion

#: Kinds that safety's checks look at, taken whole from the incident's namespaces.
_CHECKED = ("resourcequotas", "limitranges", "horizontalpodautoscalers", "poddisruptionbudgets")
#: Kinds whose pods a disruption budget counts.
_GUARDED = ("deployments", "statefulsets")
#: Seconds before the alert that the baseline covers: the trouble, not the calm before it.
_BASELINE_S = 600
#: Seconds after the alert that belong to it still: metrics are reported late.
_LATE_S = 60


def fingerprint_of(bundle: ContextBundle, verdict: Verdict) -> str:
    """The incident's fingerprint: the named cause, else the monitor and group that the alert comes from.

    Without a cause nothing says that two monitors tell of one trouble, whatever object both are about.
    """
    cluster = bundle.k8s_context.cluster
    analysis = verdict.analysis
    if analysis is not None and determined(verdict):
        known = CLASSES.get(analysis.failure_class)
        return fingerprint(
            cluster=cluster,
            failure_class=(known.incident_as if known else "") or analysis.failure_class,
            object_ref=analysis.object,
        )
    return trouble_fingerprint(bundle)


def trouble_fingerprint(bundle: ContextBundle) -> str:
    """The fingerprint of the monitor and group that the alert comes from, whatever its cause."""
    cluster = bundle.k8s_context.cluster.strip().lower()
    return stable_id("fp", cluster, bundle.trouble or bundle.cycle)


def recovered(bundle: ContextBundle, *, language: str) -> Verdict:
    """The answer to a recovery."""
    return Verdict(
        "no_action",
        "recovered",
        in_language(say("decide.recovered"), language_of(language)),
        None,
        (),
    )


def already_recovered(verdict: Verdict, *, language: str) -> Verdict:
    """The answer to an alert whose recovery came first; the diagnosis stays for the record."""
    return Verdict(
        "no_action",
        "already_recovered",
        in_language(say("decide.already_recovered"), language_of(language)),
        verdict.analysis,
        (),
        verdict.broken,
    )


def candidate(
    bundle: ContextBundle,
    verdict: Verdict,
    *,
    incident_id: str,
    fingerprint: str,
    role: Literal["first", "repeat", "recovery"],
    said: SecondOpinion,
    failed: Sequence[FailedAttempt] = (),
    language: str = "en",
) -> CandidatePlans:
    """The record of a decision. The same bundle gives the same ``event_id``. ``language``: of what it says to people.

    ``failed``: the incident's earlier attempts."""
    steps, unheard = heard("next steps", partial(next_steps, bundle, verdict, language))
    broken = (*verdict.broken, *([unheard] if unheard else ()))
    return CandidatePlans(
        event_id=stable_id("dec", bundle.event_id, incident_id),
        trace_id=bundle.trace_id,
        occurred_at=bundle.alerted_at,
        incident_id=incident_id,
        fingerprint=fingerprint,
        status=verdict.status,
        reason=verdict.reason,
        explanation=verdict.explanation,
        role=role,
        context=_context(bundle, verdict, failed),
        analysis=verdict.analysis,
        plans=verdict.plans,
        second_opinion=said,
        rules_version=RULES_VERSION,
        broken=tuple(BrokenRule(where=one.where, what=one.what) for one in broken),
        next_steps=tuple(steps),
    )


def _context(
    bundle: ContextBundle, verdict: Verdict, failed: Sequence[FailedAttempt]
) -> IncidentContext:
    targets = [change.object for plan in verdict.plans for change in plan.kubernetes_changes]
    namespaces = {t.namespace for t in targets if t.namespace} or {bundle.k8s_context.namespace}
    return IncidentContext(
        cluster=bundle.k8s_context.cluster,
        namespace=min(namespaces),
        environment=bundle.environment,
        service=bundle.service,
        team=bundle.team,
        alert_title=bundle.alert.title or (bundle.monitor.name if bundle.monitor else ""),
        monitor_id=_number(bundle.monitor.rule_id if bundle.monitor else bundle.alert.rule.id),
        alerted_at=bundle.alerted_at,
        watched=watched(bundle.alert, bundle.monitor),
        tags=bundle.alert.labels,
        links=bundle.links,
        signature=bundle.signature,
        objects=objects_for_checks(bundle.k8s_context.objects, targets, namespaces),
        baseline=measure(
            bundle.metrics,
            bundle.alerted_at.timestamp() - _BASELINE_S,
            bundle.alerted_at.timestamp() + _LATE_S,
        ),
        traffic=bundle.traffic,
        similar_incidents=bundle.similar_incidents,
        successful_patterns=bundle.successful_patterns,
        failed_patterns=bundle.failed_patterns,
        failed_attempts=tuple(failed),
        lessons_learned=bundle.lessons_learned,
        sources=bundle.sources,
        proof=bundle.proof,
        claim=bundle.claim,
        registry=bundle.registry,
    )


def _number(rule_id: str) -> int | None:
    return int(rule_id) if rule_id.isdecimal() else None


def objects_for_checks(
    objects: dict[str, list[Json]], targets: Sequence[ObjectRef], namespaces: set[str]
) -> dict[str, list[Json]]:
    """The changed objects, what bounds them in their namespaces, and the nodes' sizes; absent kinds stay absent.

    With a changed autoscaler comes what it scales; of other workloads as much as a shared disruption budget asks.
    """
    wanted = {(t.kind, t.namespace, t.name) for t in targets}
    wanted |= _scaled(objects, wanted)
    kept: dict[str, list[Json]] = {}
    for kind, items in objects.items():
        near = [o for o in items if _key(o)[1] in namespaces]
        if kind in _CHECKED:
            kept[kind] = near
        elif kind == "nodes":
            kept[kind] = [_sizes(node) for node in items]
        elif kind == "namespaces":
            kept[kind] = [_labels(item) for item in items if name_of(item) in namespaces]
        elif kind == "priorityclasses":
            kept[kind] = [_default(item) for item in items]
        elif kind in _GUARDED and objects.get("poddisruptionbudgets"):
            kept[kind] = [o if _key(o) in wanted else _counted(o) for o in near]
        elif found := [o for o in items if _key(o) in wanted]:
            kept[kind] = found
    return kept


def _key(item: Json) -> tuple[str, str, str]:
    return (kind_of(item), namespace_of(item), name_of(item))


def _scaled(
    objects: dict[str, list[Json]], wanted: set[tuple[str, str, str]]
) -> set[tuple[str, str, str]]:
    found = set()
    for scaler in objects.get("horizontalpodautoscalers", ()):
        target = mapping(scaler, "spec", "scaleTargetRef")
        if _key(scaler) in wanted:
            found.add((text(target, "kind"), namespace_of(scaler), text(target, "name")))
    return found


def _counted(item: Json) -> Json:
    """A workload as a disruption budget sees it: its pods' labels and their number."""
    spec = mapping(item, "spec")
    return {
        "kind": item.get("kind", ""),
        "metadata": {"name": name_of(item), "namespace": namespace_of(item)},
        "spec": {
            **({"replicas": spec["replicas"]} if "replicas" in spec else {}),
            "template": {"metadata": {"labels": labels_of(template_of(item))}},
        },
    }


def _labels(namespace: Json) -> Json:
    about = mapping(namespace, "metadata")
    words = {key: about[key] for key in ("labels", "annotations") if about.get(key)}
    return {"kind": "Namespace", "metadata": {"name": name_of(namespace), **words}}


def _default(priority_class: Json) -> Json:
    return {
        "metadata": {"name": name_of(priority_class)},
        "globalDefault": priority_class.get("globalDefault") is True,
    }


def _sizes(node: Json) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name_of(node), "labels": labels_of(node)},
        "spec": {
            key: value
            for key, value in mapping(node, "spec").items()
            if key in ("taints", "unschedulable")
        },
        "status": {"allocatable": mapping(node, "status", "allocatable")},
    }
