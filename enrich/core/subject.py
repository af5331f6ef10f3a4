"""Who the alert is about: the objects that its names may mean, those of its environment, and of several the sick one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from enrich.core.matching import NameMatch, matches, node_of
from enrich.core.names import Named
from enrich.core.signs import signs
from kfix.incident import environment_words, environments
from kfix.incident.cluster_names import Own
from kfix.texts import say
from manifests.objects.meta import name_of
from schemas.alerts import Alert
from schemas.base import Json, ObjectRef
from schemas.context import Monitor
from schemas.places import Statement
from schemas.subjects import Candidate, Ending, SubjectSearch

#: Candidates that are examined; more are no names of one thing.
MOST = 12


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What besides names tells candidates apart."""

    #: When the alert came; ``None``: whatever happened counts.
    at: datetime | None = None
    #: What alert and monitor say on purpose of the environment.
    said: tuple[Statement, ...] = ()
    #: What the operator says of namespaces.
    by_namespace: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FoundSubject:
    """The subject, as far as there is one, how it was looked for, and the names that led there."""

    subject: ObjectRef | None
    search: SubjectSearch
    who: Named


def circumstances(
    alert: Alert, monitor: Monitor | None, at: datetime | None, by_namespace: Mapping[str, str]
) -> Circumstances:
    """Those of an alert. Where it says no environment itself, its monitor's counts."""
    own = [s for s in environments.of_alert(alert.labels, alert.rule.group) if s.explicit]
    said = own or [s for s in environments.of_monitor(monitor) if s.explicit]
    return Circumstances(at, tuple(said), by_namespace)


def resolve(who: Named, objects: Mapping[str, Iterable[Json]]) -> ObjectRef | None:
    """The controller the alert points at, by its names alone; ``None`` for none and for several."""
    found = search((who,), objects, Circumstances())
    return None if found.search.candidates else found.subject


def search(
    whos: Sequence[Named], objects: Mapping[str, Iterable[Json]], around: Circumstances
) -> FoundSubject:
    """The alert's subject among the collected objects.

    A name that no collected object has is still returned when a tag gives kind and namespace; a bare service name is
    not. Of several objects that it may be, those of the alert's environment count, and of these the one that is sick.
    """
    whos = [who for who in whos if not who.by_host or _is_pod(who, objects)]
    found = [(who, match) for who in whos for match in list(matches(who, objects))[:1]]
    if not found:
        return _nothing(whos, objects)
    who, first = found[0]
    match = first
    if len(found) > 1:
        refs = {ref.key: ref for _, one in found for ref in one.refs}
        match = NameMatch(first.by, tuple(refs.values()))
    chosen = _chosen(who, match, objects, around)
    mine = (w for w, one in found if chosen.subject in one.refs)
    return replace(chosen, who=next(mine, who))


def _is_pod(who: Named, objects: Mapping[str, Iterable[Json]]) -> bool:
    there = any(name_of(pod) == who.pod for pod in objects.get("pods", ()))
    return there and node_of(who, objects) is None


def _nothing(whos: Sequence[Named], objects: Mapping[str, Iterable[Json]]) -> FoundSubject:
    who = whos[0]
    if who.workload is not None and who.namespace:
        return FoundSubject(who.workload, SubjectSearch(ending="found", by=_by(who)), who)
    if not (who.nobody or (who.only_by_hand and who.namespace)):
        return FoundSubject(None, SubjectSearch(ending="not_found", by=_by(who)), who)
    if who.namespace:
        by = f"kube_namespace:{who.namespace}"
        return FoundSubject(None, SubjectSearch(ending="namespace", by=by), who)
    if who.node:
        node = node_of(who, objects)
        ending: Ending = "not_found" if node is None else "node"
        return FoundSubject(node, SubjectSearch(ending=ending, by=f"host:{who.node}"), who)
    return FoundSubject(None, SubjectSearch(ending="nothing_named"), who)


def _by(who: Named) -> str:
    """The surest name, for people."""
    if who.workload is not None:
        return f"{who.workload.kind.lower()}:{who.workload.name}"
    hosts = tuple(host for host, _ in who.addresses)
    pairs = (
        ("pod_name", who.pod),
        ("container_id", who.container_id),
        ("service", ",".join(who.services)),
        ("kube_service", who.kube_service),
        ("url", ",".join(hosts)),
        ("horizontalpodautoscaler", who.scaler),
        ("persistentvolumeclaim", who.volume_claim),
        ("container_name", who.container),
        ("image", who.image[0]),
    )
    return next((f"{name}:{value}" for name, value in pairs if value), "")


def _chosen(
    who: Named, match: NameMatch, objects: Mapping[str, Iterable[Json]], around: Circumstances
) -> FoundSubject:
    refs = sorted(match.refs, key=lambda ref: ref.key)
    if not who.namespace:
        kept = of_environment(refs, objects, around)
        if not kept:
            told = _candidates(refs[:MOST], ())
            return FoundSubject(None, _ended("other_environment", match, told), who)
        refs = kept
    if len(refs) == 1:
        return FoundSubject(refs[0], SubjectSearch(ending="found", by=match.by), who)
    told = _candidates(refs[:MOST], [signs(ref, objects, around.at) for ref in refs[:MOST]])
    if len(refs) > MOST:
        return FoundSubject(None, _ended("not_all_read", match, told), who)
    sick = [one.object for one in told if one.signs]
    named = [ref for ref in refs if not match.exact and ref.name in who.services]
    one = sick if len(sick) == 1 else named if not sick and len(named) == 1 else []
    if one:
        return FoundSubject(one[0], _ended("found", match, told), who)
    return FoundSubject(None, _ended("several_sick" if sick else "none_sick", match, told), who)


def _candidates(
    refs: Sequence[ObjectRef], seen: Sequence[tuple[str, ...]]
) -> tuple[Candidate, ...]:
    told = seen or [()] * len(refs)
    return tuple(Candidate(object=ref, signs=s) for ref, s in zip(refs, told, strict=True))


def _ended(ending: Ending, match: NameMatch, told: tuple[Candidate, ...]) -> SubjectSearch:
    return SubjectSearch(ending=ending, by=match.by, candidates=told)


def unread(found: FoundSubject, kinds: Sequence[str]) -> FoundSubject:
    """The same when not everything was read that the search goes through: who was found may have a namesake there."""
    if not kinds or found.search.ending in ("namespace", "node", "nothing_named"):
        return found
    told = found.search.candidates
    if found.subject is not None and not told:
        told = (Candidate(object=found.subject),)
    reason = say("enrich.search_unread", kinds=list(kinds))
    ended = SubjectSearch(ending="not_all_read", by=found.search.by, candidates=told, reason=reason)
    return replace(found, subject=None, search=ended)


def of_environment(
    refs: Sequence[ObjectRef], objects: Mapping[str, Iterable[Json]], around: Circumstances
) -> list[ObjectRef]:
    """Those that are in the environment that the alert says; where it says none, or two, all of them.

    What says no environment itself counts only while nothing says the alert's.
    """
    values = {s.value.strip().lower() for s in around.said}
    if len({(s.environment, s.place) for s in around.said}) != 1:
        return list(refs)
    wanted, listed = around.said[0], {kind: list(items) for kind, items in objects.items()}
    ranks = [(_closeness(wanted, values, _statements(r, listed, around)), r) for r in refs]
    best = max(rank for rank, _ in ranks)
    return [ref for rank, ref in ranks if rank == best] if best else []


def _statements(
    ref: ObjectRef, objects: Mapping[str, list[Json]], around: Circumstances
) -> list[Statement]:
    told = environments.of_cluster(Own(), ref.namespace, around.by_namespace)
    return [*environments.of_objects(objects, [ref]), *told]


def _closeness(wanted: Statement, values: set[str], said: Sequence[Statement]) -> int:
    """3: the very word; 2: the same environment; 1: nothing is said; 0: another one, or several."""
    told = {(s.environment, s.place) for s in said if s.environment != "unknown"}
    words = {s.value.strip().lower() for s in said if s.explicit}
    if told - {(wanted.environment, wanted.place)}:
        return 0
    if words & values:
        return 3
    if not told:
        return 0 if wanted.environment == "unknown" and words else 1
    spoken = environment_words.spoken(wanted.value)
    return 3 if any(spoken & environment_words.spoken(s.value) for s in said) else 2
