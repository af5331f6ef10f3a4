"""A matched playbook's plans: values checked before they become typed changes. Pure.

A value is a number, true or false, a quantity, a text that the playbook's author wrote, or a text that stands in the
``spec``, the name or the labels of the objects themselves. Numbers and quantities stay between a quarter and four
times what stands there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from decide.core.drafting.drafts import PlanDraft, patch, source_of
from decide.core.findings import quote
from decide.core.playbooks.cel import Bound, Failed, Program, bind
from decide.core.playbooks.compiling import Compiled, CompiledPlan
from decide.core.playbooks.shape import FIELDS, PLACEHOLDER, FieldStep, PlaybookText
from decide.core.playbooks.subjects import Subject, scalers
from manifests.objects import paths, quantities
from manifests.objects.meta import labels_of, name_of
from manifests.objects.shapes import Obj, mapping
from schemas.base import ObjectRef

#: How far a number may go from what stands there, up and down: as far as right-sizing goes.
_FACTOR = 4
#: A number where nothing stood.
_MOST_NEW = 10
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,252}")
_KEY = re.compile(r"[A-Za-z0-9._-]{1,253}")
_SIZED = re.compile(r"\.(cpu|memory|storage)$|^spec\.hard\b")
_COUNTED = re.compile(r"([Rr]eplicas|parallelism|Seconds|Threshold)$")


@dataclass(slots=True)
class Matched:
    """An object under a playbook's eye: its variables, and the ``let`` values found so far."""

    subject: Subject
    compiled: Compiled
    lets: dict[str, Any] = field(default_factory=dict)

    def value(self, program: Program) -> Any | Failed:
        """An expression's value; what it needs must have been found."""
        bound = self._bound(program)
        return program.value(bound) if isinstance(bound, Bound) else bound

    def holds(self, program: Program) -> bool | Failed:
        """Whether a condition is true."""
        bound = self._bound(program)
        return program.holds(bound) if isinstance(bound, Bound) else bound

    def _bound(self, program: Program) -> Bound | Failed:
        own = program.names & self.compiled.let_names
        if not own:
            return self.subject.bound(program.names, self.compiled.words)
        found = self.subject.named(program.names - own, self.compiled.words)
        return bind({**found, **{name: self.lets[name] for name in own}})

    def shown(self, name: str) -> str:
        """A placeholder's value in a text for people."""
        value = self.lets[name] if name in self.lets else self.subject.value(name)
        return f"{value:g}" if isinstance(value, float) else str(value)


def drafts(matched: Matched) -> list[PlanDraft]:
    """The plans that apply, in their order. A plan with one value that is refused is none."""
    out = []
    for plan in matched.compiled.plans:
        if plan.when is None or matched.holds(plan.when) is True:
            made = _draft(matched, plan)
            if made is not None and made.changes:
                out.append(made)
    return out


def _draft(matched: Matched, plan: CompiledPlan) -> PlanDraft | None:
    target = _target(matched, plan)
    if target is None:
        return None
    ref, live = target
    wanted = _wanted(matched, plan, ref, live)
    if wanted is None:
        return None
    step = plan.step

    def both(text: PlaybookText) -> tuple[str, str]:
        return said(text, matched, "en"), said(text, matched, "fr")

    return PlanDraft(
        fix_kind=step.fix,
        title=both(step.title),
        why=both(step.why),
        changes=patch(matched.subject.view, ref, live, wanted),
        weight=step.weight,
        risks=[both(risk) for risk in step.risks],
        origin="playbook",
    )


def said(text: PlaybookText, matched: Matched, language: str) -> str:
    """A sentence with its placeholders filled, on one line, nothing active in it."""
    return quote(PLACEHOLDER.sub(lambda m: matched.shown(m[1]), text.of(language)))


def _wanted(
    matched: Matched, plan: CompiledPlan, ref: ObjectRef, live: Obj
) -> list[tuple[str, Any]] | None:
    """Paths with their new values; ``None`` when one of them is refused."""
    declared = source_of(matched.subject.view, ref, live)
    known = frozenset(_structure(matched, live))
    wanted: list[tuple[str, Any]] = []
    for step, program in zip(plan.step.changes, plan.values, strict=True):
        path = _path(matched, plan, step)
        value = _value(matched, program, known) if program is not None else None
        if path is None or isinstance(value, Failed):
            return None
        if program is not None and not _within(path, paths.find(declared, path, None), value):
            return None
        wanted.append((path, value))
    return wanted


def _target(matched: Matched, plan: CompiledPlan) -> tuple[ObjectRef, Obj] | None:
    """The object to change; ``None`` when there is not exactly one of it."""
    if plan.step.target == "object":
        return matched.subject.ref, matched.subject.obj
    view, ref = matched.subject.view, matched.subject.ref
    if plan.step.target == "service":
        found = view.services_of.get(ref.key, [])
        kind, version = "Service", "v1"
    else:
        found = scalers(view, ref)
        kind, version = "HorizontalPodAutoscaler", "autoscaling/v2"
    if len(found) != 1:
        return None
    one = found[0]
    name = name_of(one)
    stated = str(one.get("apiVersion") or version)
    return ObjectRef(api_version=stated, kind=kind, namespace=ref.namespace, name=name), one


def _path(matched: Matched, plan: CompiledPlan, step: FieldStep) -> str | None:
    """The path with its placeholders filled; ``None`` when that makes it another than the fix may write."""
    filled = step.path
    for name in PLACEHOLDER.findall(step.path):
        value = matched.shown(name)
        if not _KEY.fullmatch(value):
            return None
        filled = filled.replace(f"{{{name}}}", value)
    return filled if FIELDS[plan.step.fix].fullmatch(filled) else None


def _value(matched: Matched, program: Program, known: frozenset[str]) -> Any | Failed:
    found = matched.value(program)
    if isinstance(found, float) and found.is_integer():
        return int(found)
    if isinstance(found, Failed | bool | int):
        return found
    if not isinstance(found, str):
        return Failed(
            f"a value is a whole number, true, false or a text, not {type(found).__name__}"
        )
    if (
        found in program.literals
        or _is_quantity(found)
        or (_SAFE.fullmatch(found) and found in known)
    ):
        return found
    return Failed("a text that neither the author wrote nor the objects hold")


def _is_quantity(text: str) -> bool:
    try:
        quantities.parse(text)
    except quantities.BadQuantity:
        return False
    return True


def _within(path: str, before: Any, after: Any) -> bool:
    """Sizes and counts do not run away."""
    if not _SIZED.search(path) and not _COUNTED.search(path):
        return True
    try:
        new = quantities.parse(str(after))
        old = quantities.parse(str(before)) if before is not None else Decimal(0)
    except quantities.BadQuantity:
        return False
    if old > 0:
        return old / _FACTOR <= new <= old * _FACTOR
    return 0 <= new <= _MOST_NEW if _COUNTED.search(path) else new > 0


def _structure(matched: Matched, live: Obj) -> Iterator[str]:
    """Texts of the objects' own structure: specs without environments, names and labels."""
    subject, names = matched.subject, matched.compiled.names
    objects = [live, subject.obj]
    for name in ("pods", "services", "scalers"):
        objects += subject.value(name) if name in names else []
    if "cluster" in names:
        objects += [
            o for kind in subject.kinds(matched.compiled.words) for o in subject.value(kind)
        ]
    for obj in objects:
        yield name_of(obj)
        yield from (str(v) for v in labels_of(obj).values())
        yield from _texts(mapping(obj.get("spec")))


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            if key not in ("env", "annotations", "args", "command"):
                yield from _texts(value)
    elif isinstance(node, list):
        for item in node:
            yield from _texts(item)
