"""What a program said last before it ended, whatever its format. Pure.

A class of its own knows a few hundred formats; a person who is called at night wants the program's sentence also where no
class knows it. Frames of stacks say where, not what, and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.pods import Container, Pod
from manifests.objects.shapes import at
from manifests.objects.workloads import Workload
from schemas.context import LogExcerpt

#: Lines from the end among which an error is looked for, and the most that are quoted.
_TAIL, _MOST = 60, 4
#: Containers of one workload whose words are quoted.
_CONTAINERS = 2
#: Words of a line that tells of a failure.
_ERROR = re.compile(
    r"\b(?:errors?|errno|eacces|enoent|e(?:addr)?inuse|fatal|panic(?:ked)?|\w*exception|\w+error|"
    r"fail(?:ed|ure|s)?|cannot|can't|can not|could not|couldn't|unable|denied|refused|rejected|"
    r"invalid|not (?:found|an?|valid|exist|empty|writ[ea]able|readable|permitted|allowed|supported|compatible)|"
    r"(?:does|do|did) not|no such|missing|abort(?:ed|ing)?|critical|crit|unknown|unsupported|unexpected|undefined|"
    r"unequal|bad|wrong|incompatible|mismatch|expired|unauthori[sz]ed|forbidden|unavailable|unreachable|"
    r"time[d -]?out|segfault|segmentation|killed|exhausted|out of|too (?:many|few|low|high|large|small|long|old)|"
    r"loop|conflict|already)\b",
    re.I,
)
#: The same words in a line that tells of none.
_NONE = re.compile(
    r"\b(?:no|0|zero) errors?\b|\berrors?[=:] ?(?:0|nil|null|none|\"\")|without errors?", re.I
)
#: Where, not what: frames of Python, the JVM, Node, Go, .NET, Ruby, and what frames them.
_FRAME = re.compile(
    r"^\s+at |^\s*\.\.\. \d+ more|^\s+File \"|^\s+\^+|^Traceback|^goroutine \d+|^\t\S+\.go:\d+|"
    r"^\S+\(.*\)$|^\s+from \S+:\d+|^\s*\d+: +0x|^\s*$|^[=\-*#\s]+$"
)
_IN_TRACEBACK = re.compile(r"^ {2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWords:
    """The end of one container's run that failed."""

    container: str
    lines: tuple[str, ...]

    def fact(self, workload: Workload) -> Fact:
        """As evidence about its workload."""
        words = quote(" / ".join(line.strip() for line in self.lines))
        text = say("decide.last_words", container=self.container, words=words)
        return Fact(source="log", statement=text, object=workload.ref)


def words_lacking(view: ClusterView, first: Finding) -> Iterator[Fact]:
    """What the first finding's own program and the alert's said last, where its evidence lacks it."""
    for workload in whose(view, first):
        for said in last_words(view, workload):
            if not all(_is_quoted(line, first.evidence) for line in said.lines):
                yield said.fact(workload)


def last_words(view: ClusterView, workload: Workload) -> list[LastWords]:
    """One a container that ended with an error and is not well now; empty where nothing was collected."""
    found: dict[str, LastWords] = {}
    for pod, container in _ended(workload):
        if container.name not in found and len(found) < _CONTAINERS:
            lines = told_last(_said(view, workload, pod, container))
            if lines:
                found[container.name] = LastWords(container=container.name, lines=lines)
    return list(found.values())


def told_last(lines: Sequence[str]) -> tuple[str, ...]:
    """The last lines that tell of a failure with what belongs to them; else the last two lines. At most four."""
    tail = _without_frames(lines[-_TAIL:])
    wrong = [n for n, line in enumerate(tail) if tells_of_failure(line)]
    if not wrong:
        return tuple(tail[-2:])
    last = first = wrong[-1]
    for n in reversed(wrong[:-1]):
        if n < last - _MOST + 1 or n < first - 2:
            break
        first = n
    end = last + 1
    while end < len(tail) and end - first < _MOST and tail[end][:1].isspace():
        end += 1
    return tuple(tail[first:end])


def tells_of_failure(line: str) -> bool:
    """One of the words of failures stands in the line, and not to say that there was none."""
    return bool(_ERROR.search(line)) and not _NONE.search(line) and not _FRAME.match(line)


def _without_frames(lines: Sequence[str]) -> list[str]:
    """The lines without stacks; of a Python traceback the lines between its head and the error are the stack."""
    kept: list[str] = []
    inside = False
    for line in lines:
        if line.startswith("Traceback"):
            inside = True
        elif inside and not _IN_TRACEBACK.match(line):
            inside = False
        if not inside and not _FRAME.match(line):
            kept.append(line)
    return kept


def whose(view: ClusterView, first: Finding) -> Iterator[Workload]:
    """The workload that the first finding is about, then the alert's own."""
    about = first.facts.workload or view.workload(
        first.object.kind, first.object.namespace, first.object.name
    )
    subject = view.bundle.k8s_context.subject
    own = None if subject is None else view.workload(subject.kind, subject.namespace, subject.name)
    seen: set[str] = set()
    for workload in (about, own):
        if workload is not None and workload.ref.key not in seen:
            seen.add(workload.ref.key)
            yield workload


def _ended(workload: Workload) -> Iterator[tuple[Pod, Container]]:
    """Containers that ended with an error, or wait to be started again after one."""
    for pod in workload.pods:
        for container in pod.containers():
            code = container.terminated.get("exitCode")
            loops = container.waiting.get("reason") == "CrashLoopBackOff"
            if not container.ready and (loops or code not in (None, 0)):
                yield pod, container


def _said(view: ClusterView, workload: Workload, pod: Pod, container: Container) -> list[str]:
    """The termination message, else the end of the run that ended: its own log, else the present one."""
    message = str(container.terminated.get("message") or "").strip()
    if message:
        return message.splitlines()
    logs = [
        log for log in view.logs_of(workload) if log.container in ("", container.name) and log.lines
    ]
    best = sorted(logs, key=lambda log: _nearness(log, pod, container))
    return list(best[0].lines) if best else []


def _nearness(log: LogExcerpt, pod: Pod, container: Container) -> tuple[bool, bool, bool]:
    running = bool(at(container.status, "state", "running"))
    return log.pod != pod.name, log.container != container.name, log.previous != running


def _is_quoted(line: str, evidence: Sequence[Fact]) -> bool:
    words = quote(line.strip())
    return any(fact.source == "log" and words in fact.statement for fact in evidence)
