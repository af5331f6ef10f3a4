"""Which environment an incident is in, proven by sources that do not copy from each other. Pure.

The alert says what whoever sent it wanted; it proves nothing alone. Everything that speaks has to agree. A conflict, a
word that is not known, or nobody who speaks beside the alert: production.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from kfix.incident import environment_words as words
from kfix.incident.cluster_names import Own
from kfix.incident.cluster_tags import folded, names_cluster, scoped
from kfix.texts import say
from manifests.objects.meta import kind_of, name_of, namespace_of
from manifests.objects.pods import containers_in, template_of
from manifests.objects.shapes import mapping, mappings
from manifests.repository.environments import words_of
from manifests.repository.reach import Reach
from schemas.base import Environment, Json, ObjectRef
from schemas.context import Monitor
from schemas.places import EnvironmentProof, Speaker, Statement
from schemas.text import cut

#: Tags, labels and annotations that are there for an environment, as the last part of their name. ``env`` and
#: ``tags.datadoghq.com/env``: Datadog's unified service tagging; the others are what people write.
KEYS = frozenset(
    {
        "env",
        "environment",
        "stage",
        "environment_name",
        "env_name",
        "deployment_environment",
        "deployment_environment_name",
        "deployment_env",
        "deploy_env",
        "kube_environment",
        "kube_env",
        "app_env",
        "dd_env",
    }
)
#: Tags that name things which often carry their environment.
_NAMING = frozenset({"kube_namespace", "namespace", "k8s_namespace"})
#: Statements of one record, and characters of one.
_MOST = 60
_LONGEST = 120
_LOWER: tuple[Environment, ...] = ("staging", "development")
#: Who does not prove a lower environment: the alert, and the repository, whose folder may have been chosen by it.
_LEANING = ("alert", "repository")


_WHERE = {"labels": "incident.where.label", "annotations": "incident.where.annotation"}


def of_alert(tags: Mapping[str, str], scope: str = "") -> Iterator[Statement]:
    """What an alert's tags and its scope say. A tag with several values says each of them."""
    pairs = [(key, value, say("incident.where.tag", name=key)) for key, value in tags.items()]
    pairs += [(key, value, say("incident.where.scope", name=key)) for key, value in scoped(scope)]
    yield from _of_pairs("alert", pairs)


def of_monitor(monitor: Monitor | None) -> Iterator[Statement]:
    """What the monitor's own tags and the scope of its query say."""
    if monitor is None:
        return
    tags = (tag.partition(":") for tag in monitor.tags)
    pairs = [(key, value, say("incident.where.monitor_tag", name=key)) for key, _, value in tags]
    pairs += [
        (key, value, say("incident.where.monitor_query", name=key))
        for key, value in scoped(monitor.query)
    ]
    yield from _of_pairs("monitor", pairs)


def _of_pairs(source: Speaker, pairs: Iterable[tuple[str, str, str]]) -> Iterator[Statement]:
    for key, text, where in pairs:
        name = folded(key.rpartition("/")[2])
        for value in (part.strip() for part in text.split(",")):
            if name in KEYS and value and "$" not in value:
                yield _said(source, value, where, words.of_value(value))
            elif names_cluster(name) or name in _NAMING:
                yield from _named(source, value, where)


def of_cluster(
    own: Own, namespace: str = "", by_namespace: Mapping[str, str] | None = None
) -> Iterator[Statement]:
    """What the operator says of the connected cluster and of namespaces, and what the cluster is called."""
    if own.environment:
        where = own.said_in or "KFIX_CLUSTER_ENVIRONMENT"
        yield _said("cluster", own.environment, where, words.of_value(own.environment))
    yield from _named("cluster", own.name, own.said_in or "KFIX_CLUSTER_NAME")
    told = (by_namespace or {}).get(namespace, "") if namespace else ""
    if told:
        where = say(
            "incident.where.setting", setting="KFIX_ENRICH_ENVIRONMENTS", namespace=namespace
        )
        yield _said("settings", told, where, words.of_value(told))


def of_objects(
    objects: Mapping[str, Sequence[Json]], refs: Collection[ObjectRef]
) -> Iterator[Statement]:
    """What the objects, their pod templates and their namespaces say. ``objects`` by plural, as in a bundle."""
    wanted = {(ref.kind, ref.namespace, ref.name) for ref in refs}
    spaces = {ref.namespace for ref in refs if ref.namespace}
    spaces |= {ref.name for ref in refs if ref.kind == "Namespace"}
    for space in sorted(spaces):
        yield from _named(
            "namespace", space, say("incident.where.name", object=f"Namespace/{space}")
        )
    for plural, items in objects.items():
        for item in items:
            key = (kind_of(item), namespace_of(item), name_of(item))
            if plural == "namespaces" and key[2] in spaces:
                yield from _of_labels("namespace", mapping(item, "metadata"), f"Namespace/{key[2]}")
            elif key in wanted:
                yield from _of_object(item, "/".join(key))


def _of_object(item: Json, key: str) -> Iterator[Statement]:
    yield from _of_labels("workload", mapping(item, "metadata"), key)
    template = template_of(item) if kind_of(item) != "Pod" else {}
    yield from _of_labels(
        "template", mapping(template, "metadata"), say("incident.where.template", object=key)
    )
    for container in containers_in(mapping(template, "spec"), "containers"):
        for entry in mappings(container, "env"):
            value = entry.get("value")
            if isinstance(value, str) and value and entry.get("name") == "DD_ENV":
                yield _said(
                    "template",
                    value,
                    say("incident.where.variable", name="DD_ENV", object=key),
                    words.of_value(value),
                )


def _of_labels(source: Speaker, about: Mapping[str, Any], key: str) -> Iterator[Statement]:
    for kind, place in _WHERE.items():
        for name, value in mapping(about, kind).items():
            if folded(str(name).rpartition("/")[2]) in KEYS and str(value).strip():
                where = say(place, name=str(name), object=key)
                yield _said(source, str(value), where, words.of_value(str(value)))


def of_reaches(found: Iterable[Reach]) -> Iterator[Statement]:
    """Where the changed files deploy to."""
    for one in found:
        for said, meaning in words.of_way(one.kind, one.name):
            explicit = one.kind == "unresolved"
            yield _said("repository", said, one.said_by, meaning, explicit=explicit)


def _named(source: Speaker, name: str, where: str) -> Iterator[Statement]:
    meaning = words.of_name(name)
    if meaning is not None:
        yield _said(source, name, where, meaning, explicit=False)


def _said(
    source: Speaker, value: str, where: str, meaning: words.Meaning, *, explicit: bool = True
) -> Statement:
    return Statement(
        source=source,
        value=value.strip()[:_LONGEST],
        where=cut(where, _LONGEST),
        environment=meaning.environment,
        place=meaning.place,
        explicit=explicit,
    )


def judge(statements: Iterable[Statement]) -> EnvironmentProof:
    """What the statements come to. Their order and repetitions do not count."""
    told = tuple(dict.fromkeys(statements))
    said = {one.environment for one in told}
    places = {one.place for one in told} - {"unknown"}
    place: Environment = places.pop() if len(places) == 1 else "unknown"
    beside = any(one.source not in _LEANING for one in told)
    if len(said) > 1:
        return EnvironmentProof(verdict="conflict", place=place, statements=_shown(told))
    if not beside or said == {"unknown"}:
        return EnvironmentProof(verdict="unproven", place=place, statements=_shown(told))
    return EnvironmentProof(
        environment=said.pop(), verdict="proven", place=place, statements=_shown(told)
    )


def _shown(told: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """As many as a record holds. Those left out never change what a later judgement comes to: each kind stays once."""
    if len(told) <= _MOST:
        return told
    kinds = {(s.source, s.environment, s.place, s.explicit): s for s in reversed(told)}
    kept = list(kinds.values())
    return (*kept, *(s for s in told if s not in kept))[: max(_MOST, len(kept))]


def called(proof: EnvironmentProof) -> str:
    """What folders of the environment are called, as those say it who speak of it.

    A UAT, a QA or a pre-production is looked for under its own name: the staging beside it is another place. Where they
    use several words for one environment, or name several, it is ``place``.
    """
    said = {
        word
        for one in proof.statements
        if one.place == proof.place != "unknown"
        for word in words.spoken(one.value)
    }
    narrow = {word for word in said if proof.place not in words_of(word)}
    if len({words_of(word) for word in narrow}) > 1:
        return proof.place
    if narrow:
        return min(narrow)
    return said.pop() if len(said) == 1 else proof.place


def may_merge(proof: EnvironmentProof, protected: Collection[str] = ()) -> bool:
    """May a merge request merge without a person, as far as the place goes?

    Never in production, nor where ``protected`` says (words as people write them; they only ever add). Elsewhere the
    repository has to say so, and beside it somebody who is not the alert and says it on purpose.
    """
    again = judge(proof.statements)
    if again.verdict != "proven" or again.environment not in _LOWER:
        return False
    if proof.environment != again.environment or proof.verdict != "proven":
        return False
    named = {one.value.strip().lower() for one in proof.statements}
    for word in protected:
        if words.of_value(word).environment == again.environment or word.strip().lower() in named:
            return False
    repository = any(one.source == "repository" for one in proof.statements)
    others = any(one.source not in _LEANING and one.explicit for one in proof.statements)
    return repository and others


def may_merge_now(
    proof: EnvironmentProof, found: Iterable[Reach], protected: Collection[str] = ()
) -> bool:
    """``may_merge``, also with where the files deploy to by now in place of what the repository said then."""
    others = (one for one in proof.statements if one.source != "repository")
    now = judge((*others, *of_reaches(found)))
    return may_merge(proof, protected) and may_merge(now, protected)


def protected(environment: Environment) -> bool:
    """Is it production, or not known to be something else?"""
    return environment not in _LOWER
