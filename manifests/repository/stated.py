"""Fields that patches of Kustomizations say: which patch wins, and where in its text it says the field. Pure.

The outermost Kustomization wins, and of one Kustomization its last patch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from manifests.objects import paths
from manifests.repository import kustomize
from manifests.repository.index import RepositoryIndex
from manifests.repository.kustomize import Kustomization, PatchEntry
from manifests.text import equivalence
from manifests.text.read import Document
from schemas.base import Json, ObjectRef

#: Operations of a JSON patch that say a value (RFC 6902).
_SAYING = ("add", "replace")


@dataclass(frozen=True, slots=True)
class StatedField:
    """A patch that says a field."""

    kustomization: Kustomization
    entry: PatchEntry
    #: The patch's own document, of its file or of the text inside of the kustomization file.
    document: Document
    #: Where it says the field; empty: it says something of the field that no value can be put in place of.
    at: paths.Path
    #: Is it a file that names the object itself, as the index sees it?
    plain: bool
    #: Which document of the file the patch stands in.
    number: int = 0
    #: The deployer's object that holds it, where it is no Kustomization's own.
    owner: ObjectRef | None = None
    #: Does the patch not say the field yet?
    new: bool = False
    #: Where a new operation of a JSON patch is to write (RFC 6901); empty: it is no such operation.
    pointer: str = ""

    @property
    def file(self) -> str:
        """The file that says it."""
        return self.entry.file or self.kustomization.path

    @property
    def value(self) -> Json:
        """What it says now."""
        return paths.find(equivalence.value_of(self.document.root), self.at)


def stating(
    index: RepositoryIndex,
    chain: Sequence[Kustomization],
    ref: ObjectRef,
    field: paths.Path,
    declared: Json,
) -> StatedField | None:
    """The patch that decides a field of ``ref`` among the Kustomizations of ``chain``, outermost first; ``None`` without.

    ``declared`` is the object as its file has it: JSON patches count its items. Raises NotEditable as reading does.
    """
    for kustomization in chain:
        for entry in reversed(kustomization.patches):
            for document in reversed(list(_documents(index, entry))):
                value = equivalence.value_of(document.root)
                at = _where(value, entry.target, ref, field, declared)
                if at is not None:
                    named = isinstance(value, Mapping) and kustomize.names(value, ref)
                    plain = bool(entry.file) and named
                    return StatedField(kustomization, entry, document, at, plain)
    return None


def _documents(index: RepositoryIndex, entry: PatchEntry) -> Iterator[Document]:
    if not entry.file:
        yield from entry.inside
    elif entry.file in index.texts:
        yield from index.parsed(entry.file)


def _where(
    patch: Any, target: Mapping[str, Any], ref: ObjectRef, field: paths.Path, declared: Json
) -> paths.Path | None:
    if isinstance(patch, list):
        if not kustomize.aims_at(target, ref):
            return None
        found = (_said(n, operation, field, declared) for n, operation in enumerate(patch))
        return next((at for at in reversed(list(found)) if at is not None), None)
    if not isinstance(patch, Mapping):
        return None
    if not (kustomize.names(patch, ref) or kustomize.aims_at(target, ref)):
        return None
    if patch.get("$patch") == "delete":
        return ()
    return field if kustomize.has(patch, field) else None


def _said(number: int, operation: Any, field: paths.Path, declared: Json) -> paths.Path | None:
    """Where operation ``number`` says the field or what it is in."""
    if not isinstance(operation, Mapping) or operation.get("op") == "test":
        return None
    parts = kustomize.parts_of(str(operation.get("path", "")))
    if len(parts) > len(field):
        return None
    for depth, (part, segment) in enumerate(zip(parts, field, strict=False)):
        last = depth + 1 == len(parts)
        new = operation.get("value") if last and operation.get("op") == "add" else None
        if not _means(part, segment, paths.find(declared, field[:depth], None), new):
            return None
    if operation.get("op") not in _SAYING:
        return ()
    at = (number, "value", *field[len(parts) :])
    # A list that an operation writes whole may have the item or not.
    return at if paths.find([operation], (0, *at[1:]), _ABSENT) is not _ABSENT else ()


def _means(part: str, segment: paths.Segment, listed: Any, new: Any) -> bool:
    """Is a part of a JSON pointer the segment? An item is known by its place in the list, or by what is added."""
    if isinstance(segment, str):
        return part == segment
    if isinstance(segment, int):
        return part == str(segment)
    if isinstance(new, Mapping):
        return str(new.get(segment.field)) == segment.value
    if not part.isdigit():
        return False
    if not isinstance(listed, list) or int(part) >= len(listed):
        return True
    item = listed[int(part)]
    return isinstance(item, Mapping) and str(item.get(segment.field)) == segment.value


_ABSENT = object()
