"""The text that an incident is remembered by: what failed and how, without who. Pure.

Raw text clusters by service name, not by kind of failure, so names, hashes, numbers, addresses and times are masked
before embedding; reasons, exit codes and words of failure stay.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache

from manifests.objects.meta import name_of, namespace_of
from manifests.objects.pods import containers_in, pod_spec, statuses_of
from manifests.objects.shapes import mapping, text
from schemas.base import Json
from schemas.context import ContextBundle, LogExcerpt

#: Log lines and warnings that take part, the commonest first: few, so that what a program repeats does not outweigh what
#: the cluster says (docs/learning.md, "Quality").
_LINES = 4
_WARNINGS = 12
#: Different texts that are looked at before they are masked.
_LOOKED_AT = 64
_LINE_CHARS = 200
_WARNING_CHARS = 160
#: Tags whose values name somebody.
_NAMING_TAGS = (
    "service",
    "kube_service",
    "kube_deployment",
    "kube_stateful_set",
    "kube_daemon_set",
    "kube_job",
    "kube_cronjob",
    "kube_namespace",
    "namespace",
    "pod_name",
    "pod",
    "container_name",
    "kube_container_name",
    "host",
    "hostname",
    "node",
    "kube_node",
    "image_name",
    "short_image",
    "kube_cluster_name",
    "cluster_name",
    "cluster",
    "team",
    "env",
    "version",
    "deployment",
    "kube_replica_set",
    "container_id",
    "pod_phase_owner",
)
_FAILURE = re.compile(
    r"error|fail|exception|fatal|panic|refused|timeout|timed out|denied|killed|unable|cannot|"
    r"not found|no such|exhaust|oom|throttl",
    re.I,
)
_MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}\S*"), " "),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.I), "uuid"),
    (re.compile(r"\bsha256:[0-9a-f]{8,64}\b"), "digest"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "address"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}\b"), "hash"),
    (re.compile(r"https?://\S+"), "url"),
    # What controllers append to a name (k8s.io/apimachinery, util/rand: no vowels, no 0, 1, 3).
    (re.compile(r"\b[a-z0-9][a-z0-9.-]*-[bcdfghjklmnpqrstvwxz2456789]{5}\b"), "name"),
)
#: What the recorder of events writes before a message that stands for many (k8s.io/client-go, tools/record).
_COMBINED = re.compile(r"^\(combined from similar events\): ")
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:[.,]\d+)*(?:[a-zA-Z%]{0,3})(?!\w)")
#: Numbers that name a failure stay: exit codes and HTTP status codes in their phrases.
_TELLING = re.compile(
    r"\b(exit(?:ed)?(?: with)?(?: code)?|status(?: code)?|signal)[ :=]*(\d{1,3})\b", re.I
)


def mask_identifiers(text: str, names: Iterable[str]) -> str:
    """``text`` without the given names, hashes, addresses, times and numbers; exit and status codes stay as words."""
    for pattern, word in _MASKS:
        text = pattern.sub(word, text)
    known = frozenset(name for name in names if len(name) >= 2)
    if known:
        text = _any_of(known).sub("name", text)
    text = _TELLING.sub(lambda m: f"{m[1]}_{m[2]}", text)
    text = _NUMBER.sub("n", text)
    return re.sub(r"\s+", " ", text).strip()


@lru_cache(maxsize=16)
def _any_of(names: frozenset[str]) -> re.Pattern[str]:
    """One of the names, the longest first, with what controllers append to it."""
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    one = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<![A-Za-z0-9])(?:{one})(?:-[a-z0-9]+)*(?![A-Za-z0-9])", re.I)


def names_in(bundle: ContextBundle) -> set[str]:
    """Everything in the bundle that names somebody: tags, objects, containers, images, nodes."""
    names = {value for tag, value in bundle.alert.labels.items() if tag in _NAMING_TAGS}
    context = bundle.k8s_context
    names |= {context.namespace, context.cluster, context.pod, bundle.service, bundle.team}
    if context.subject is not None:
        names.add(context.subject.name)
    for kind, items in context.objects.items():
        if kind != "events":
            names.update(name for item in items for name in _names_of(item))
    return {name for name in names if name}


def _names_of(item: Json) -> Iterator[str]:
    yield name_of(item)
    for container in containers_in(pod_spec(item) or mapping(item, "spec"), "containers"):
        yield text(container, "name")
        yield text(container, "image").rsplit("/", 1)[-1].split(":")[0].split("@")[0]


def signature(bundle: ContextBundle) -> str:
    """The bundle's masked text: alert, monitored metric, container states, warnings, failing log lines."""
    names = names_in(bundle)
    query = bundle.monitor.query if bundle.monitor else bundle.alert.rule.query
    parts = [mask_identifiers(re.sub(r"\[[^\]]*\]", " ", bundle.alert.title), names)]
    parts += [
        f"metric {metric}"
        for metric in sorted(set(re.findall(r"\b[a-z_]+(?:\.[a-z_0-9]+)+", query)))
    ]
    parts += _states(bundle)
    parts += sorted(_masked(_warnings(bundle), names, _WARNINGS, _WARNING_CHARS))
    parts += _masked(_failing_lines(bundle.logs), names, _LINES, _LINE_CHARS)
    return "\n".join(dict.fromkeys(part for part in parts if part))


def _states(bundle: ContextBundle) -> list[str]:
    """Reasons and exit codes of the subject's pods where they are known, else of the namespace's."""
    context = bundle.k8s_context
    owner = context.subject.name if context.subject else ""
    found: set[str] = set()
    for pod in context.objects.get("pods", ()):
        if owner and not name_of(pod).startswith(owner):
            continue
        if context.namespace and namespace_of(pod) != context.namespace:
            continue
        found.update(_said_of_containers(pod))
    return sorted(found)


def _warnings(bundle: ContextBundle) -> Iterator[str]:
    """Reason and message of the warnings about the subject where it is known, else of all."""
    context = bundle.k8s_context
    owner = context.subject.name if context.subject else ""
    for event in context.objects.get("events", ()):
        about = text(event.get("involvedObject") or event.get("regarding"), "name")
        if event.get("type") == "Warning" and (not owner or about.startswith(owner)):
            said = text(event, "message") or text(event, "note")
            yield f"event {text(event, 'reason')} {_COMBINED.sub('', said)}"


def _said_of_containers(pod: Json) -> Iterator[str]:
    """Why a pod's containers wait or ended, now and before."""
    for status in statuses_of(pod, "containers"):
        for when in ("state", "lastState"):
            for phase in ("waiting", "terminated"):
                detail = mapping(status, when, phase)
                if detail.get("reason") not in (None, "Completed"):
                    yield f"state {detail['reason']}"
                if detail.get("exitCode"):
                    yield f"exit_code_{detail['exitCode']}"


def _failing_lines(logs: Iterable[LogExcerpt]) -> Iterator[str]:
    return (line for excerpt in logs for line in excerpt.lines if _FAILURE.search(line))


def _masked(said: Iterable[str], names: set[str], most: int, chars: int) -> list[str]:
    """The commonest texts once they are masked, each cut to ``chars``."""
    found: Counter[str] = Counter()
    for raw, times in Counter(said).most_common(_LOOKED_AT):
        found[mask_identifiers(raw, names)[:chars]] += times
    return [line for line, _ in found.most_common(most)]
