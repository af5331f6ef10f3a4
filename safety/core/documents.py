"""The objects that edited files declare. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from manifests.objects.meta import kind_of, name_of, namespace_of
from manifests.refused import NotEditable
from manifests.text import diffs, equivalence
from manifests.text.readings import Readings
from schemas.base import Json
from schemas.plans import KubernetesChange
from schemas.validated import FileEdit

#: A document with this field is whole enough to be checked as an object; a patch mostly is not.
_WHOLE = {
    "Deployment": ("spec", "selector"),
    "StatefulSet": ("spec", "selector"),
    "DaemonSet": ("spec", "selector"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate"),
    "Service": ("spec", "ports"),
    "HorizontalPodAutoscaler": ("spec", "scaleTargetRef"),
    "Ingress": ("spec",),
}


def documents_of(text: str, readings: Readings) -> list[Json]:
    """The documents of a file's text as values; none when it cannot be read."""
    try:
        return [equivalence.value_of(document.root) for document in readings.read(text)]
    except NotEditable:
        return []


def is_whole(item: Mapping[str, Any]) -> bool:
    """Whether a document declares an object rather than a part of one."""
    if not item.get("apiVersion") or not item.get("kind"):
        return False
    node: Any = item
    for key in _WHOLE.get(str(item["kind"]), ()):
        if not isinstance(node, Mapping) or key not in node:
            return False
        node = node[key]
    return True


def edited_objects(edits: Sequence[FileEdit], readings: Readings | None = None) -> Iterator[Json]:
    """Whole objects of the edited files whose document an edit touched. ``readings``: what was parsed before."""
    readings = readings or Readings()
    for edit in edits:
        before = before_of(edit)
        known = documents_of(before, readings) if before else []
        for item in documents_of(edit.after, readings):
            if isinstance(item, Mapping) and is_whole(item) and item not in known:
                yield dict(item)


def before_of(edit: FileEdit) -> str:
    """The file before the edit, from its unified diff; empty for a new file. Only a line feed ends a line, as in git."""
    lines = diffs.split(edit.after)
    out: list[str] = []
    at, inside = 0, False
    for line in diffs.split(edit.diff):
        if line.startswith("@@"):
            start, _, length = line.split("+", 1)[1].split(" ", 1)[0].partition(",")
            begin = int(start) - (0 if length == "0" else 1)
            out += lines[at:begin]
            at, inside = begin, True
        elif not inside:
            continue  # the names of the files
        elif line.startswith("-"):
            out.append(line[1:])
        elif line.startswith("+"):
            at += 1
        elif line.startswith(" "):
            out.append(line[1:])
            at += 1
    return "".join([*out, *lines[at:]])


def declared(
    edits: Sequence[FileEdit], change: KubernetesChange, readings: Readings | None = None
) -> Json | None:
    """The whole object that the edited files declare for a change; ``None`` when they hold only a part of it."""
    ref = change.object
    for item in edited_objects(edits, readings):
        named = (kind_of(item), name_of(item)) == (ref.kind, ref.name)
        if named and (namespace_of(item) or ref.namespace) == ref.namespace:
            return item
    return None
