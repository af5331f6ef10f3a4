"""From typed changes of an object to edits of the document that declares it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from yaml import MappingNode, Node, SequenceNode

from kfix.texts import say
from manifests.objects import paths
from manifests.refused import NotEditable
from manifests.text import comparing, equivalence, spans
from manifests.text.edits import Delete, Edit, Insert, Replace
from manifests.text.guards import text_at
from manifests.text.read import Document
from manifests.text.scalars import is_scalar
from manifests.text.write import Value
from schemas.plans import FieldChange, KubernetesChange

#: Beside which siblings a new entry reads naturally; the last one there wins.
_AFTER: dict[str, tuple[str, ...]] = {
    "resources": ("name", "image", "imagePullPolicy", "command", "args", "ports", "env", "envFrom"),
    "env": ("name", "image", "imagePullPolicy", "command", "args", "ports"),
    "replicas": ("revisionHistoryLimit", "selector"),
    "strategy": ("replicas", "selector"),
    "minReadySeconds": ("replicas", "selector"),
    "progressDeadlineSeconds": ("replicas", "selector"),
    "minReplicas": ("scaleTargetRef",),
    "maxReplicas": ("scaleTargetRef", "minReplicas"),
    "imagePullPolicy": ("image",),
    "requests": ("limits",),
    "limits": ("requests",),
}

#: Where a HelmRelease hands values to a chart, which may take numbers anywhere.
_VALUES = ("spec", "values")
#: Lists whose items come whole or not at all.
_WHOLE_ITEMS = frozenset({"containers", "initContainers", "ephemeralContainers"})


class _Named(dict[str, Value]):
    """A new list item that paths name by a field: what else they say of it belongs into the same item."""

    @property
    def name(self) -> tuple[str, Value]:
        """(field, value)."""
        return next(iter(self.items()))


def edits_of(
    change: KubernetesChange, document: Document, *, partial: bool = False
) -> tuple[Edit, ...]:
    """The edits that make ``document`` declare what ``change`` plans.

    ``partial``: the document is a patch that says only some fields, so list positions mean nothing in it.
    Raises NotEditable: STALE when the document is not what the plan saw, NOT_FOUND, UNSUPPORTED and what resolving raises.
    """
    if change.action != "patch":
        raise NotEditable("UNSUPPORTED", say("manifests.not_edit_document", action=change.action))
    edits: list[Edit] = []
    _check_apart(change.fields)
    for field in change.fields:
        path = paths.parse(field.path)
        if partial and any(isinstance(segment, int) for segment in path):
            raise NotEditable(
                "UNSUPPORTED", say("manifests.counts_items_patch_does_not", field=field.path)
            )
        edits += _edits_of_field(document, path, field)
    return tuple(_merged(edits))


def _check_apart(fields: Sequence[FieldChange]) -> None:
    """Changes are meant one after another, edits all at once: refuses those that are not the same then."""
    said = [(field.op, paths.parse(field.path)) for field in fields]
    for at, (op, path) in enumerate(said):
        later = [(o, p) for o, p in said[at + 1 :] if p[: len(path)] == path]
        if op == "add" and any(o == "remove" for o, _ in later):
            raise NotEditable(
                "UNSUPPORTED", say("manifests.made_something_taken_away", field=paths.render(path))
            )
        moves = op == "remove" or isinstance(path[-1], int)
        if op == "replace" or isinstance(path[-1], str) or not moves:
            continue
        others = [p for n, (_, p) in enumerate(said) if n != at and p[: len(path) - 1] == path[:-1]]
        if any(isinstance(p[len(path) - 1], int) for p in others if len(p) >= len(path)):
            raise NotEditable(
                "UNSUPPORTED",
                say("manifests.moves_items_others_counted_by", field=paths.render(path)),
            )


def set_values(document: Document, wanted: Mapping[str, Any]) -> tuple[Edit, ...]:
    """Edits that give fields new values, whatever they were. Raises NotEditable."""
    edits: list[Edit] = []
    for text, value in wanted.items():
        path = paths.parse(text)
        place = _find(document, path)
        if place is None:
            edits.append(_insert(document, path, value))
        else:
            edits += _differences(document, path, equivalence.value_of(place.node), value)
    return tuple(_merged(edits))


def _edits_of_field(document: Document, path: paths.Path, field: FieldChange) -> list[Edit]:
    place = _find(document, path)
    if place is None:
        return _edits_of_missing(document, path, field)
    current = equivalence.value_of(place.node)
    counted = field.op == "add" and isinstance(path[-1], int)
    if counted and not equivalence.equivalent(path, current, field.after):
        return [_insert(document, path, field.after)]
    if field.op == "remove":
        if not _within(path, current, field.before):
            raise _stale(field.path, current, field.before)
        return [Delete(document.index, path, current)]
    if equivalence.equivalent(path, current, field.after):
        return []
    if field.op == "add":
        if current is None or current in ({}, []):
            return list(_differences(document, path, current, field.after))
        raise NotEditable(
            "STALE", say("manifests.there_already_as", field=field.path, now=_shown(current))
        )
    if is_scalar(field.before) and not equivalence.equivalent(path, current, field.before):
        raise _stale(field.path, current, field.before)
    return list(_differences(document, path, field.before, field.after))


def _edits_of_missing(document: Document, path: paths.Path, field: FieldChange) -> list[Edit]:
    if field.op == "remove":
        return []
    if field.op == "replace" and not _is_default(document, path, field):
        raise NotEditable("NOT_FOUND", spans.nothing_at(document, path))
    return [_insert(document, path, field.after)]


def _is_default(document: Document, path: paths.Path, field: FieldChange) -> bool:
    """May a live object have the field where the manifest says nothing?"""
    if path[-1] in equivalence.DEFAULTED:
        return True
    declared = comparing.value_at(equivalence.value_of(document.root), path)
    return equivalence.equivalent(path, declared, field.before)


def _find(document: Document, path: paths.Path) -> spans.NodePlace | None:
    """As ``spans.resolve``, but ``None`` also where a parent is missing or empty."""
    try:
        return spans.resolve(document, path)
    except NotEditable as refused:
        if refused.code == "NOT_FOUND":
            return None
        raise


def _within(path: paths.Path, current: Value, before: Value) -> bool:
    """Is everything that the manifest says also in the live value, which has defaults on top?"""
    if isinstance(current, Mapping) and isinstance(before, Mapping):
        return all(k in before and _within((*path, k), v, before[k]) for k, v in current.items())
    return equivalence.equivalent(path, current, before)


def _shown(value: Value) -> str:
    return repr(value)[:80]


def _stale(field: str, current: Value, before: Value) -> NotEditable:
    return NotEditable(
        "STALE",
        say(
            "manifests.is_not_as_before",
            field=field,
            current=_shown(current),
            before=_shown(before),
        ),
    )


def _differences(
    document: Document, path: paths.Path, before: Value, after: Value
) -> Iterator[Edit]:
    """Edits from ``before`` to ``after`` below ``path``; what both share stays untouched, whatever the file has."""
    if equivalence.equivalent(path, before, after):
        return
    if isinstance(before, Mapping) and before and isinstance(after, Mapping):
        for key in [k for k in before if k not in after]:
            place = _find(document, (*path, key))
            if place is not None:
                yield Delete(document.index, (*path, key), equivalence.value_of(place.node))
        for key, value in after.items():
            if key not in before:
                yield from _edits_of_field(document, (*path, key), _add((*path, key), value))
            else:
                yield from _differences(document, (*path, key), before[key], value)
    elif _is_list(before) and before and _is_list(after):
        yield from _list_differences(document, path, list(before), list(after))  # type: ignore[arg-type]
    else:
        yield from _exchange(document, path, before, after)


def _add(path: paths.Path, value: Value) -> FieldChange:
    return FieldChange(op="add", path=paths.render(path), after=value)


def _is_list(value: Value) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _exchange(document: Document, path: paths.Path, before: Value, after: Value) -> Iterator[Edit]:
    place = _find(document, path)
    if place is None:
        yield _insert(document, path, after)
        return
    current = equivalence.value_of(place.node)
    if is_scalar(current) and is_scalar(after):
        if not equivalence.equivalent(path, current, before):
            raise _stale(paths.render(path), current, before)
        if not equivalence.equivalent(path, current, after):
            yield Replace(document.index, path, current, equivalence.fit(path, current, after))
    else:
        yield Replace(document.index, path, current, after)


def _list_differences(
    document: Document, path: paths.Path, before: list[Value], after: list[Value]
) -> Iterator[Edit]:
    place = _find(document, path)
    if place is None or not isinstance(place.node, SequenceNode):
        raise NotEditable("NOT_FOUND", say("manifests.no_list_at", field=paths.render(path)))
    if len(place.node.value) != len(before):
        raise NotEditable(
            "STALE",
            say("manifests.has_items", field=paths.render(path), count=len(place.node.value)),
        )
    matcher = difflib.SequenceMatcher(
        None, [_word(item) for item in before], [_word(item) for item in after], autojunk=False
    )
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        paired = min(i2 - i1, j2 - j1)
        for offset in range(paired):
            at = i1 + offset
            yield from _differences(document, (*path, at), before[at], after[j1 + offset])
        for at in range(i1 + paired, i2):
            yield Delete(document.index, (*path, at), equivalence.value_of(place.node.value[at]))
        for at in range(j1 + paired, j2):
            yield Insert(document.index, path, i2, after[at], of=len(before))


def _word(value: Value) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _insert(document: Document, path: paths.Path, value: Value) -> Edit:
    """One insert under the deepest parent that is there, with all that is missing in between."""
    depth, place = _deepest(document, path)
    if isinstance(path[depth], paths.Match) and depth + 1 < len(path) and depth:
        _check_may_begin(document, path, depth)
    if text_at(document.root, "kind") and path[:2] != _VALUES:
        value = equivalence.worded(path, value)
    inside = _nested(path[depth + 1 :], value)
    head, first = path[:depth], path[depth]
    node = place.node
    current = equivalence.value_of(node)
    if head and (current is None or current in ({}, [])):
        filling = {first: inside} if isinstance(first, str) else [_item(first, inside)]
        return Replace(document.index, head, current, filling)
    if isinstance(node, MappingNode) and isinstance(first, str):
        return Insert(document.index, head, first, inside, _sibling(node, first))
    if isinstance(node, SequenceNode):
        at = first if isinstance(first, int) else len(node.value)
        return Insert(document.index, head, at, _item(first, inside), of=len(node.value))
    raise NotEditable("NOT_FOUND", say("manifests.nothing_put_into", field=paths.render(path)))


def _check_may_begin(document: Document, path: paths.Path, depth: int) -> None:
    """A field of a container that is not there is a slip of the pen, not a wish for another container."""
    if path[depth - 1] in _WHOLE_ITEMS:
        raise NotEditable("NOT_FOUND", spans.nothing_at(document, path[: depth + 1]))


def _deepest(document: Document, path: paths.Path) -> tuple[int, spans.NodePlace]:
    for depth in range(len(path) - 1, 0, -1):
        place = _find(document, path[:depth])
        if place is not None:
            return depth, place
    return 0, spans.NodePlace(document.root)


def _nested(path: paths.Path, value: Value) -> Value:
    for segment in reversed(path):
        value = {segment: value} if isinstance(segment, str) else [_item(segment, value)]
    return value


def _item(segment: paths.Segment, value: Value) -> Value:
    """A new list item; one named by a field gets that field first."""
    if isinstance(segment, paths.Match) and isinstance(value, Mapping):
        return _Named({segment.field: segment.value} | dict(value))
    return value


def _sibling(node: MappingNode, key: str) -> str | None:
    there = [str(name.value) for name, _ in node.value if isinstance(name, Node)]
    fitting = [name for name in there if name in _AFTER.get(key, ())]
    return fitting[-1] if fitting else None


def _merged(edits: Sequence[Edit]) -> list[Edit]:
    """Inserts and fillings of one missing parent become one, so that no two splices make the same line."""
    out: list[Edit] = []
    for edit in edits:
        for at, earlier in enumerate(out):
            joined = _join(earlier, edit)
            if joined is not None:
                out[at] = joined
                break
        else:
            # The same item twice is two items; anything else twice is said twice.
            if edit not in out or (isinstance(edit, Insert) and isinstance(edit.key, int)):
                out.append(edit)
    return out


def _join(left: Edit, right: Edit) -> Edit | None:
    if isinstance(left, Replace) and isinstance(right, Replace):
        if left.path == right.path and left.old == right.old and not is_scalar(left.new):
            return Replace(left.doc, left.path, left.old, _deep(left.new, right.new))
        return None
    if not (isinstance(left, Insert) and isinstance(right, Insert) and left.parent == right.parent):
        return None
    if left.key != right.key or is_scalar(left.value):
        return None
    if isinstance(left.key, int) and not _same_item(left.value, right.value):
        return None
    return replace(left, value=_deep(left.value, right.value))


def _same_item(left: Value, right: Value) -> bool:
    return isinstance(left, _Named) and isinstance(right, _Named) and left.name == right.name


def _deep(left: Value, right: Value) -> Value:
    if left == right:
        return left
    if _is_list(left) and _is_list(right):
        return _deep_items(list(left), right)  # type: ignore[arg-type]
    if not isinstance(left, Mapping) or not isinstance(right, Mapping):
        raise NotEditable("UNSUPPORTED", say("manifests.two_changes_make_same_field"))
    out = _Named(left) if isinstance(left, _Named) else dict(left)
    for key, value in right.items():
        out[key] = _deep(out[key], value) if key in out else value
    return out


def _deep_items(left: list[Value], right: Sequence[Value]) -> list[Value]:
    for item in right:
        for at, there in enumerate(left):
            if _same_item(there, item):
                left[at] = _deep(there, item)
                break
        else:
            left.append(item)
    return left
