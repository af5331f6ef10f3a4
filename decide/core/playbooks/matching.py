"""Playbooks against a cluster: which objects match, and the findings with plans that come of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from decide.core.findings import Fact, Finding, quote
from decide.core.objects import Obj, at, namespace_of
from decide.core.playbooks.cel import Bound, Failed
from decide.core.playbooks.compiling import Compiled, Playbooks
from decide.core.playbooks.planning import Matched, drafts
from decide.core.playbooks.shape import PLACEHOLDER, Text
from decide.core.playbooks.subjects import CLUSTER_KINDS, PLURALS, ref_of, variables
from decide.core.view import ClusterView
from schemas.base import ObjectRef

#: Objects that one playbook looks at in one case, after its ``needs``.
_OBJECTS = 2_000


@dataclass(slots=True)
class Trace:
    """What became of one object: each expression with its value, for people who write playbooks."""

    ref: ObjectRef
    steps: list[tuple[str, Any]] = field(default_factory=list)
    finding: Finding | None = None


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
    for obj in view.all(PLURALS[playbook.for_]):
        inside = playbook.for_ in CLUSTER_KINDS or namespace_of(obj) in view.focus
        if not inside or any(at(obj, *path) is None for path in needs):
            continue
        seen += 1
        if seen > _OBJECTS:
            return
        trace = Trace(ref_of(playbook.for_, obj))
        _decide(view, compiled, obj, trace, language)
        yield trace


def _decide(view: ClusterView, compiled: Compiled, obj: Obj, trace: Trace, language: str) -> None:
    """Conditions that need no ``let`` come first: most objects end there, with one conversion."""
    workload = view.workload(trace.ref.kind, trace.ref.namespace, trace.ref.name)
    values = variables(view, compiled, trace.ref, obj, workload)
    lets: dict[str, Any] = {}
    named = {name for name, _ in compiled.lets}
    first = [p for p in compiled.when if not p.names & named]
    rest = [p for p in compiled.when if p.names & named]
    bound = compiled.conditions.bind(values)
    if not _hold(first, bound, trace):
        return
    for name, program in compiled.lets:
        if program.names & set(lets):
            bound = compiled.conditions.bind({**values, **lets})
        found = program.value(bound) if isinstance(bound, Bound) else bound
        trace.steps.append((f"let {name} = {program.text}", found))
        if isinstance(found, Failed):
            return
        lets[name] = found
    bound = compiled.conditions.bind({**values, **lets})
    if not _hold(rest, bound, trace) or not isinstance(bound, Bound):
        return
    trace.finding = _finding(Matched(view, compiled, trace.ref, obj, workload, values, lets, bound), language)  # fmt: skip


def _hold(programs: list[Any], bound: Bound | Failed, trace: Trace) -> bool:
    for program in programs:
        found = program.holds(bound) if isinstance(bound, Bound) else bound
        trace.steps.append((program.text, found))
        if found is not True:
            return False
    return True


def _finding(matched: Matched, language: str) -> Finding:
    compiled, playbook = matched.compiled, matched.compiled.playbook
    facts = [
        Fact(proof.source, said(proof.text, matched, language), matched.ref)
        for proof, when in zip(playbook.evidence, compiled.evidence, strict=True)
        if when is None or when.holds(matched.bound) is True
    ]
    detail = said(playbook.diagnosis, matched, language)
    made = drafts(matched)
    data: dict[str, Any] = {"drafts": made, "playbook": playbook.id}
    if matched.workload is not None:
        data["workload"] = matched.workload
    return Finding(
        playbook.id,
        matched.ref,
        playbook.score,
        detail,
        facts or [Fact("object", detail, matched.ref)],
        facts=data,
        own_class=compiled.entry,
    )


def said(text: Text, matched: Matched, language: str) -> str:
    """A sentence with its placeholders filled, on one line, nothing active in it."""
    return quote(PLACEHOLDER.sub(lambda m: matched.shown(m[1]), text.of(language)))
