"""What commits took away: the value that a field of an object had before the commit that wrote the present one. Pure.

A commit counts only where what it wrote is what the object has now: otherwise the cluster runs something else, and what
was before that commit says nothing about it. A value that was masked is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from decide.core.view import ClusterView
from manifests.objects import paths, quantities
from manifests.objects.shapes import Obj, mapping
from schemas.base import Json, ObjectRef
from schemas.context import Change

_ABSENT = object()
_MASKED = "[masked:"


@dataclass(frozen=True, slots=True)
class WrittenField:
    """One field that a commit changed; ``None`` for a field that was not there, or is not any more."""

    path: paths.Path
    before: Json
    after: Json
    commit: str
    #: The file that says so.
    file: str
    at: datetime | None

    @property
    def where(self) -> str:
        """The path as text."""
        return paths.render(self.path)


def written(view: ClusterView, ref: ObjectRef) -> list[WrittenField]:
    """The newest change of each field of an object, newest first."""
    found = view.memo("written", lambda: _by_object(view))
    exact = found.get((ref.kind, ref.namespace, ref.name), [])
    unsaid = found.get((ref.kind, "", ref.name), []) if ref.namespace else []
    return exact or unsaid


def of_settings(view: ClusterView) -> list[WrittenField]:
    """The same for files of values, which name no object; paths are those of the files."""
    return view.memo("written", lambda: _by_object(view)).get(("", "", ""), [])


def earlier(view: ClusterView, ref: ObjectRef, obj: Obj, path: str) -> list[WrittenField]:
    """The changes that made an object's field what it is: of the field itself, of what is in it, or of what it is in.

    Empty where none was committed, or where one of them is not what the object has now.
    """
    wanted = paths.parse(path)
    own: list[WrittenField] = []
    for one in written(view, ref):
        newer = any(paths.related(one.path, taken.path) for taken in own)
        if paths.related(one.path, wanted) and not newer:
            own.append(one)
    if own:
        return own if all(_holds(obj, w) for w in own) else []
    return _of_values(view, obj, wanted)


def is_open(value: Json) -> bool:
    """Nothing of the value was masked."""
    return _MASKED not in repr(value)


def same(one: object, two: object) -> bool:
    """Two writings of one value: text of a number, one quantity in two units."""
    if one == two or (one is not None and two is not None and str(one) == str(two)):
        return True
    try:
        return quantities.parse(str(one)) == quantities.parse(str(two))
    except quantities.BadQuantity:
        return False


def _by_object(view: ClusterView) -> dict[tuple[str, str, str], list[WrittenField]]:
    found: dict[tuple[str, str, str], dict[tuple[str, str], WrittenField]] = {}
    for change in view.bundle.changes:
        for key, one in _of_commit(change):
            kept = found.setdefault(key, {})
            # a file of values is no object: two of them may hold the same path
            kept.setdefault((one.where, "" if key[0] else one.file), one)
    return {key: list(of.values()) for key, of in found.items()}


def _of_commit(change: Change) -> Iterator[tuple[tuple[str, str, str], WrittenField]]:
    if change.kind != "commit" or not isinstance(change.detail, Mapping):
        return
    file = str(change.detail.get("path") or "")
    for key, fields in mapping(change.detail.get("fields")).items():
        kind, _, rest = str(key).partition("/")
        namespace, _, name = rest.partition("/")
        for where, pair in mapping(fields).items():
            path = _path(where)
            if path is not None and isinstance(pair, list | tuple) and len(pair) == 2:
                one = WrittenField(path, pair[0], pair[1], change.revision, file, change.at)
                yield (kind, namespace, name), one


def _path(text: str) -> paths.Path | None:
    try:
        return paths.parse(text)
    except paths.BadPath:
        return None


def _holds(obj: Obj, change: WrittenField) -> bool:
    now: Any = paths.find(obj, change.path, _ABSENT)
    if now is _ABSENT or now is None:
        return change.after is None
    return change.after is not None and same(now, change.after)


def _of_values(view: ClusterView, obj: Obj, wanted: paths.Path) -> list[WrittenField]:
    """A field that a file of values sets under the same last two names; one alone, of which the object has the value."""
    now = paths.find(obj, wanted, _ABSENT)
    if now is _ABSENT or len(wanted) < 2:
        return []
    found = [
        WrittenField(wanted, w.before, now, w.commit, w.file, w.at)
        for w in of_settings(view)
        if w.path[-2:] == wanted[-2:] and w.after is not None and same(now, w.after)
    ]
    return found if len({repr(w.before) for w in found}) == 1 else []
