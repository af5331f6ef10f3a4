"""What a repository's owners have against a change, by their ``.kfix.yaml``. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from kfix.incident.globs import matches
from kfix.texts import say
from manifests.objects import paths, quantities
from publish.core.repo_policy import FILE, Ceiling, Consent, Maximum
from schemas.base import Json
from schemas.plans import FieldChange, KubernetesChange
from schemas.validated import FileEdit

_TOKENS = re.compile(r"\[[^\]]*\]|[^.\[\]]+")
_REPLICAS = ("replicas", "minReplicas", "maxReplicas")


def refusal(
    consent: Consent, changes: Sequence[KubernetesChange], edits: Sequence[FileEdit]
) -> str:
    """Why the owners do not let this be proposed, in one sentence; empty when they do."""
    if not consent.propose:
        return say("publish.policy.nothing", file=FILE)
    return next((told for told in _objections(consent, changes, edits) if told), "")


def _objections(
    consent: Consent, changes: Sequence[KubernetesChange], edits: Sequence[FileEdit]
) -> Iterator[str]:
    beyond = [told for change in changes for told in _against(consent, change)]
    for edit in edits:
        if consent.paths is not None and not any(matches(p, edit.path) for p in consent.paths):
            yield say("publish.policy.path", file=FILE, path=edit.path)
    largest, lines = consent.maximum, sum(e.added_lines + e.removed_lines for e in edits)
    if largest.files is not None and len(edits) > largest.files:
        yield say("publish.policy.files", file=FILE, most=largest.files, files=len(edits))
    if largest.lines is not None and lines > largest.lines:
        yield say("publish.policy.lines", file=FILE, most=largest.lines, lines=lines)
    yield from beyond


def _against(consent: Consent, change: KubernetesChange) -> Iterator[str]:
    kind = change.object.kind
    if consent.kinds is not None and kind not in consent.kinds:
        yield say("publish.policy.kind", file=FILE, kind=kind)
    if change.action == "delete":
        yield say("publish.policy.deleted", file=FILE)
    if change.action == "create" and not consent.create:
        yield say("publish.policy.added", file=FILE)
    if change.action == "create" and consent.fields is not None:
        yield say("publish.policy.whole", file=FILE, kind=kind)
    for one in change.fields:
        if consent.fields is not None and not any(_covers(f, one.path) for f in consent.fields):
            yield say("publish.policy.path", file=FILE, path=one.path)
    for path, before, after in _leaves(change):
        yield _too_large(consent.maximum, path, before, after)


def _covers(pattern: str, path: str) -> bool:
    """Is the field ``pattern`` or one below it?"""
    wanted, there = _TOKENS.findall(pattern), _TOKENS.findall(path)
    if len(wanted) > len(there):
        return False
    pairs = zip(wanted, there, strict=False)
    return all(
        w == t or (w == "*" and t[0] != "[") or (w == "[*]" and t[0] == "[") for w, t in pairs
    )


def _leaves(change: KubernetesChange) -> Iterator[tuple[tuple[str, ...], Json, Json]]:
    """(path, before, after) of every single value that changes, also inside of what is changed as a whole."""
    if change.manifest is not None:
        yield from _inside((), None, change.manifest)
    for one in change.fields:
        yield from _inside(_names(one), one.before, one.after)


def _names(change: FieldChange) -> tuple[str, ...]:
    try:
        return tuple(str(segment) for segment in paths.parse(change.path))
    except paths.BadPath:
        return (change.path,)


def _inside(
    path: tuple[str, ...], before: Json, after: Json
) -> Iterator[tuple[tuple[str, ...], Json, Json]]:
    if isinstance(after, dict):
        for key, value in after.items():
            yield from _inside((*path, str(key)), _at(before, key), value)
    elif isinstance(after, list):
        for index, value in enumerate(after):
            yield from _inside((*path, str(index)), _at(before, index), value)
    elif after != before:
        yield path, before, after


def _at(value: Json, key: Json) -> Json:
    """The value below, where there is one. Items of lists are compared by their place."""
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return value[key]
    return None


def _too_large(maximum: Maximum, path: tuple[str, ...], before: Json, after: Json) -> str:
    """Is a number above the owners' ceiling, or does it grow, or shrink, by more than their factor?"""
    resource = path[-1] if len(path) > 1 and path[-2] in ("requests", "limits") else ""
    counted = bool(path) and path[-1] in _REPLICAS
    if after is None or not (counted or resource):
        return ""
    most, name = _ceiling(maximum, "replicas" if counted else resource), path[-1]
    new, old = _number(after), _number(before)
    if new is None:
        return say("publish.policy.no_number", file=FILE, field=name)
    if most is not None and new > most.amount:
        told = {"ceiling": most.text, "amount": str(after)}
        return say("publish.policy.up_to", file=FILE, field=name, **told)
    if maximum.factor is None or old is None or old <= 0:
        return ""
    factor = Decimal(str(maximum.factor))
    if new <= old * factor and new * factor >= old:
        return ""
    told = {"field": name, "before": str(before), "after": str(after)}
    return say("publish.policy.factor", file=FILE, factor=maximum.factor, **told)


def _ceiling(maximum: Maximum, resource: str) -> Ceiling | None:
    """The largest amount of ``cpu``, ``memory`` or ``replicas``; ``None`` where the owners say none."""
    if resource == "replicas" and maximum.replicas is not None:
        return Ceiling(str(maximum.replicas), Decimal(maximum.replicas))
    return maximum.cpu if resource == "cpu" else maximum.memory if resource == "memory" else None


def _number(value: Json) -> Decimal | None:
    try:
        return quantities.parse(value) if isinstance(value, str | int | float) else None
    except quantities.BadQuantity:
        return None
