"""What of the subject's trouble the first cause accounts for, and what no finding of it claims. Pure.

Trouble is what speaks for itself and lasts: containers that wait or ended with an error, warning events of what is not well
since, lines by which a program says that it failed. A cause claims what its evidence quotes, what its class is known to
look like, and what names the same things; what follows by itself (a pause before the next start) is nobody's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from decide.core.families.entry import FailureClass
from decide.core.findings import Finding, quote
from decide.core.last_words import tells_of_failure, whose
from decide.core.taxonomy import CLASSES, sharper
from decide.core.view import ClusterView, Event
from manifests.objects.pods import Container
from manifests.objects.shapes import mapping
from manifests.objects.workloads import Workload

Where = Literal["container", "event", "log"]
#: Lines from the end of one log that are looked at, and different troubles of one kind that count.
_TAIL, _MOST = 60, 4
#: Reasons that say only that something else went wrong, or that all is under way.
_AFTERMATH = frozenset(
    [
        "BackOff",
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "ContainerCreating",
        "PodInitializing",
        "FailedSync",
        "Error",
        "ProgressDeadlineExceeded",
        "Killing",
        "FailedToUpdateEndpoint",
        "FailedToUpdateEndpointSlices",
    ]
)
_FOLLOWS = re.compile(r"Error: (?:ErrImagePull|ImagePullBackOff|ErrImageNeverPull)|Back-off .*")
_PULL = re.compile(r"Failed to pull image ")
_PULLING = frozenset({"ErrImagePull", "ImagePullBackOff"})
#: What changes between two tellings of one trouble: numbers, ids, addresses, times.
_VARIABLE = re.compile(r"[0-9a-f]{6,}|\d+|\s+", re.I)
#: A line that its program itself calls no error.
_MILD = re.compile(
    r"\b(?:info|debug|trace|notice|warn(?:ing)?)\b|^[IWD]\d{4} | \* |\berror[\w-]*[=:]", re.I
)
_LEVEL = re.compile(
    r"(?<![\w-])(?:error|fatal|panic|critical|severe)(?![\w-])|\b[A-Z]\w+(?:Error|Exception)\b",
    re.I,
)
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{3,}")
#: A name rather than a word of a sentence.
_NAME = re.compile(r"[A-Za-z0-9]+(?:[-_./:][A-Za-z0-9]+)+|[a-z]+[A-Z]\w+")
#: Share of a trouble's words that must stand in the evidence for it to be the same.
_SAME = 0.6


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that went wrong at a workload, once however often it was told."""

    where: Where
    #: Kubernetes' word for it; empty for a line of a log.
    reason: str
    text: str

    @property
    def said(self) -> str:
        """As people read it."""
        return quote(": ".join(filter(None, (self.reason, self.text))))


def weigh(view: ClusterView, ranked: Sequence[Finding]) -> None:
    """Notes at each finding what it leaves unexplained. Before anybody adds to its evidence what it does not rest on.

    What names no cause claims none of it and is not doubted for that.
    """
    for finding in (f for f in ranked if f.kind.names_cause):
        whole, left = troubles(view, finding), unexplained(view, finding, ranked)
        finding.unexplained = tuple(dict.fromkeys(one.said for one in left))
        finding.open_share = len(left) / len(whole) if whole else 0.0


def unexplained(view: ClusterView, first: Finding, ranked: Sequence[Finding]) -> list[Trouble]:
    """Troubles of what the finding is about, and of what the alert names, that no finding of its cause claims."""
    mine = [f for f in ranked if f is first or _same_cause(f, first)]
    return [one for one in troubles(view, first) if not _claimed(one, first, mine)]


def troubles(view: ClusterView, first: Finding) -> list[Trouble]:
    """All of them, those of the finding's own object first."""
    told = (one for workload in whose(view, first) for one in _troubles(view, workload))
    return list(dict.fromkeys(told))


def _troubles(view: ClusterView, workload: Workload) -> tuple[Trouble, ...]:
    def read() -> tuple[Trouble, ...]:
        kinds = (_of_containers(workload), _of_events(view, workload), _of_logs(view, workload))
        return tuple(one for told in kinds for one in _different(told))

    return view.memo(f"troubles {workload.ref.key}", read)


def _different(told: Iterable[Trouble]) -> list[Trouble]:
    kept: dict[str, Trouble] = {}
    for one in told:
        kept.setdefault(_VARIABLE.sub("#", f"{one.reason} {one.text}".lower())[:120], one)
        if len(kept) >= _MOST:
            break
    return list(kept.values())


def _of_containers(workload: Workload) -> Iterator[Trouble]:
    for pod in workload.pods:
        for container in () if pod.deleting else pod.containers():
            for state in () if container.ready else (container.waiting, container.terminated):
                reason = str(state.get("reason") or "")
                if reason and reason not in _AFTERMATH and state.get("exitCode") != 0:
                    yield Trouble("container", reason, str(state.get("message") or ""))


def _of_events(view: ClusterView, workload: Workload) -> Iterator[Trouble]:
    well = {pod.name for pod in workload.pods if pod.ready or pod.deleting}
    begun = {pod.name for pod in workload.pods if all(map(_began, pod.containers()))}
    placed = {pod.name for pod in workload.pods if pod.node}
    for event in reversed(view.events_of_workload(workload)):
        pulled = event.kind == "Pod" and event.name in begun and bool(_PULL.match(event.message))
        if event.warning and not pulled and not _over(event, well, placed, workload.available):
            yield Trouble("event", event.reason, event.message)


def _began(container: Container) -> bool:
    """Its program was started at least once, so that its image is there."""
    ran = ("running", "terminated")
    states = (mapping(container.status, state) for state in ("state", "lastState"))
    waits = str(container.waiting.get("reason") or "")
    return waits not in _PULLING and any(state.get(key) for state in states for key in ran)


def _over(event: Event, well: set[str], placed: set[str], available: bool) -> bool:
    """It follows from another trouble, or what it is about is well since."""
    if event.reason in _AFTERMATH or _FOLLOWS.fullmatch(event.message):
        return True
    if event.kind == "Pod":
        return event.name in well or (event.reason == "FailedScheduling" and event.name in placed)
    return available


def _of_logs(view: ClusterView, workload: Workload) -> Iterator[Trouble]:
    for log in view.logs_of(workload):
        for line in reversed(log.lines[-_TAIL:]):
            if _LEVEL.search(line) and tells_of_failure(line) and not _MILD.search(line):
                yield Trouble("log", "", line.strip())


def _same_cause(one: Finding, first: Finding) -> bool:
    """It says less exactly what the first says at its object, or the first explains it wherever it stands."""
    here = (one.object.namespace, one.object.name) == (first.object.namespace, first.object.name)
    less = first.failure_class in sharper(one.kind) or one.failure_class == first.failure_class
    return (here and less) or one.failure_class in first.kind.explains


def _claimed(one: Trouble, first: Finding, mine: Sequence[Finding]) -> bool:
    if not one.reason and first.kind.nature == "symptom":
        return True  # it says that a program fails and not why: this is what it sees
    if one.reason and any(one.reason in _vocabulary(f.kind) for f in mine):
        return True
    return _alike(one, mine)


def _alike(one: Trouble, mine: Sequence[Finding]) -> bool:
    """The line has the findings' words, or names what they name beside their own objects."""
    told = " ".join(_told(f) for f in mine).lower()
    words = {w.lower() for w in _WORD.findall(one.text or one.reason)}
    own = {f.object.namespace.lower() for f in mine} | {f.object.name.lower() for f in mine}
    named = {n.lower() for n in _NAME.findall(one.text)} - own
    same = bool(words) and sum(w in told for w in words) >= _SAME * len(words)
    about = {*(_shown(mine) - own), *(kind for f in mine for kind in _kinds(f))}
    return same or any(n in told for n in named) or any(n in one.text.lower() for n in about)


def _shown(mine: Sequence[Finding]) -> set[str]:
    """Names that objects show: what they stand in is about the same. Of lines only whole ones are compared."""
    facts = [e.statement for f in mine for e in f.evidence if e.source == "object"]
    return {n.lower() for text in facts for n in _NAME.findall(text)}


def _told(finding: Finding) -> str:
    facts = (f"{e.statement} {e.object.name if e.object else ''}" for e in finding.evidence)
    return " ".join((finding.detail, finding.object.name, *facts))


def _kinds(finding: Finding) -> set[str]:
    """Kinds that a finding is about besides workloads, as messages write them."""
    about = {finding.object.kind, *(e.object.kind for e in finding.evidence if e.object)}
    return {kind.lower() for kind in about if kind in _NAMED}


#: Kinds whose name in a message says that it is about such an object.
_NAMED = frozenset(
    [
        "PersistentVolumeClaim",
        "PersistentVolume",
        "StorageClass",
        "Node",
        "ConfigMap",
        "Secret",
        "ServiceAccount",
        "ResourceQuota",
        "LimitRange",
    ]
)


def warnings(view: ClusterView) -> list[Event]:
    """Warning events of the workloads of the focus."""
    return [e for w in view.workloads for e in view.events_of_workload(w) if e.warning]


@lru_cache(maxsize=1)
def known_words() -> frozenset[str]:
    """Words by which any class tells its trouble, and those of mere aftermath."""
    return _AFTERMATH.union(*map(_vocabulary, CLASSES.values()))


@lru_cache(maxsize=512)
def _words_of(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))


def _vocabulary(entry: FailureClass) -> frozenset[str]:
    return _words_of(f"{entry.symptoms} {entry.evidence}")
