"""What is seen of a workload whose trouble no cause explains: kills by the kubelet, errors that pods which are ready log. Pure.

Whoever is called at night wants them also where they prove nothing: they are evidence, not a class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from decide.core.findings import Fact, Finding, quote
from decide.core.last_words import tells_of_failure, whose
from decide.core.view import ClusterView, Event
from kfix.texts import say
from manifests.objects.workloads import Workload

#: Lines from the end of each log, and different complaints of one workload.
_TAIL, _MOST = 200, 2
#: A line that its program itself calls an error: a level, or an exception's name.
_LEVEL = re.compile(
    r"(?<![\w-])(?:ERROR|FATAL|CRITICAL|SEVERE|PANIC)(?![\w-])|\blevel\W{1,4}(?:error|fatal)\b|"
    r"\"(?:level|severity)\"\s*:\s*\"(?:error|fatal|critical)\"|^E\d{4} |\b[A-Z]\w+(?:Error|Exception)\b"
)
_LEVEL_WORDS = re.compile(r"\b(?:error|fatal|critical|severe|exception)\b|^E\d{4} ", re.I)
#: What changes between two tellings of one complaint.
_VARIABLE = re.compile(r"[0-9a-f]{6,}|\d+|=\S+|\s+", re.I)
_KILLED = re.compile(r"failed (?P<probe>liveness|startup) probe")
_FAILED = re.compile(r"^(?:Liveness|Startup) probe (?:failed|errored)")


def seen_besides(view: ClusterView, first: Finding) -> Iterator[Fact]:
    """Kills and complaints at what the first finding and the alert are about, where it names no cause."""
    if first.kind.nature not in ("symptom", "unknown"):
        return
    known = " ".join(fact.statement for fact in first.evidence)
    for workload in whose(view, first):
        for fact in (*_kills(view, workload), *_errors(view, workload)):
            if fact.statement not in known:
                yield fact


def is_error(line: str) -> bool:
    """The program itself calls the line an error, by its level or an exception's name."""
    return bool(_LEVEL.search(line)) and bool(tells_of_failure(line) or _LEVEL_WORDS.search(line))


def _kills(view: ClusterView, workload: Workload) -> Iterator[Fact]:
    """That the kubelet kills its containers for a probe, how often, and what the probe was told."""
    events = view.events_of_workload(workload)
    kills = [e for e in events if e.reason == "Killing" and _KILLED.search(e.message)]
    if not kills:
        return
    count = sum(e.count for e in kills)
    words = _most([e for e in events if e.reason == "Unhealthy" and _FAILED.match(e.message)])
    yield Fact(
        source="event",
        statement=say(
            "decide.killed_for_probe",
            workload=workload.name,
            message=quote(kills[-1].message),
            n=count,
            words=quote(words.message if words else kills[-1].message),
        ),
        object=workload.ref,
        value=float(count),
        unit="times",
    )


def _most(events: list[Event]) -> Event | None:
    return max(events, key=lambda e: (e.count, e.last), default=None)


def _errors(view: ClusterView, workload: Workload) -> Iterator[Fact]:
    """The errors that its running containers log most often, each once with its number, the newest of its kind."""
    told: dict[str, list[str]] = {}
    for log in view.logs_of(workload):
        for line in () if log.previous else log.lines[-_TAIL:]:
            if is_error(line):
                told.setdefault(_VARIABLE.sub("#", line)[:160], []).append(line)
    often = sorted(told.values(), key=len, reverse=True)
    for lines in often[:_MOST]:
        text = say("decide.complains", workload=workload.name, n=len(lines), line=quote(max(lines)))
        yield Fact(source="log", statement=text, object=workload.ref)
