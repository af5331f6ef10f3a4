"""Playbooks against a cluster: which objects match, and the findings with plans that come of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from decide.core.drafting.drafts import Brought
from decide.core.findings import Fact, Finding
from decide.core.playbooks.cel import Failed, Program
from decide.core.playbooks.compiling import Compiled, Playbooks
from decide.core.playbooks.planning import Matched, drafts, said
from decide.core.playbooks.subjects import CHEAP, Subject
from decide.core.view import ClusterView
from manifests.objects.kinds import is_namespaced, plural_of, version_of
from manifests.objects.meta import namespace_of, ref_of
from manifests.objects.shapes import at
from schemas.base import ObjectRef

#: Objects that one playbook looks at in one case, after its ``needs``.
_OBJECTS = 1_000


@dataclass(slots=True)
class Trace:
    """What became of one object: each expression with its value, for people who write playbooks."""

    ref: ObjectRef
    steps: list[tuple[str, Any]] = field(default_factory=list)
    finding: Finding[Brought] | None = None


def find(view: ClusterView, playbooks: Playbooks, language: str = "en") -> Iterator[Finding]:
    """Findings of all playbooks, in the order of their ids and of the objects."""
    for compiled in playbooks.entries:
        for trace in look(view, compiled, language):
            if trace.finding is not None:
                yield trace.finding


def rule_of(playbooks: Playbooks, language: str) -> Callable[[ClusterView], Iterator[Finding]]:
    """The playbooks as one rule beside the built-in ones."""

    def rule(view: ClusterView) -> Iterator[Finding]:
        return find(view, playbooks, language)

    return rule


def look(view: ClusterView, compiled: Compiled, language: str = "en") -> Iterator[Trace]:
    """Every object that a playbook is for and that has what it needs, with what became of it."""
    playbook = compiled.playbook
    needs = [path.split(".") for path in playbook.needs]
    seen = 0
    for obj in view.all(plural_of(playbook.for_)):
        inside = not is_namespaced(playbook.for_) or namespace_of(obj) in view.focus
        if not inside or any(at(obj, *path) is None for path in needs):
            continue
        seen += 1
        if seen > _OBJECTS:
            return
        ref = ref_of(obj, playbook.for_, version=version_of(playbook.for_) or "v1")
        subject = view.memo(f"playbooks {ref.key}", partial(Subject, view, ref, obj))
        trace = Trace(ref)
        _decide(compiled, subject, trace, language)
        yield trace
        if any(isinstance(value, Failed) and value.endless for _, value in trace.steps):
            return


def _decide(compiled: Compiled, subject: Subject, trace: Trace, language: str) -> None:
    """Conditions that look at the object alone come first: most objects end there, for little."""
    matched = Matched(subject, compiled)
    lets = dict(compiled.lets)
    for program in sorted(compiled.when, key=lambda p: _depth(p, lets)):
        if not _find_lets(matched, program, lets, trace):
            return
        found = matched.holds(program)
        trace.steps.append((program.text, found))
        if found is not True:
            return
    for name, program in compiled.lets:
        if name not in matched.lets and not _find_let(matched, name, program, lets, trace):
            return
    trace.finding = _finding(matched, language)


def _depth(program: Program, lets: Mapping[str, Program]) -> bool:
    """Whether it needs more than the object itself, directly or through what it names."""
    return any(
        _depth(lets[name], lets) if name in lets else name not in CHEAP for name in program.names
    )


def _find_lets(
    matched: Matched, program: Program, lets: Mapping[str, Program], trace: Trace
) -> bool:
    """Finds what an expression names, and what that names in turn; each once. False when one has no value."""
    missing = [name for name in lets if name in program.names and name not in matched.lets]
    return all(_find_let(matched, name, lets[name], lets, trace) for name in missing)


def _find_let(
    matched: Matched, name: str, program: Program, lets: Mapping[str, Program], trace: Trace
) -> bool:
    if not _find_lets(matched, program, lets, trace):
        return False
    found = matched.value(program)
    trace.steps.append((f"let {name} = {program.text}", found))
    matched.lets[name] = found
    return not isinstance(found, Failed)


def _finding(matched: Matched, language: str) -> Finding[Brought]:
    compiled, playbook, subject = matched.compiled, matched.compiled.playbook, matched.subject
    facts = [
        Fact(source=proof.source, statement=said(proof.text, matched, language), object=subject.ref)
        for proof, when in zip(playbook.evidence, compiled.evidence, strict=True)
        if when is None or matched.holds(when) is True
    ]
    detail = said(playbook.diagnosis, matched, language)
    return Finding(
        failure_class=playbook.id,
        object=subject.ref,
        score=playbook.score,
        detail=detail,
        evidence=facts or [Fact(source="object", statement=detail, object=subject.ref)],
        facts=Brought(workload=subject.workload, drafts=tuple(drafts(matched))),
        own_class=compiled.entry,
    )
