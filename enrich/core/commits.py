"""What commits changed in a file, field by field: the text before each is read out of its diff. Pure.

Of Secrets nothing is read, and other values are masked before they are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kfix.incident.forge.port import Commit, LostFile
from kfix.incident.redaction import mask_json
from manifests.objects.differences import differences
from manifests.objects.meta import kind_of, name_of, namespace_of
from manifests.refused import NotEditable
from manifests.text import equivalence
from manifests.text.read import decode
from manifests.text.readings import Readings
from manifests.text.undoing import undone
from schemas.base import Json, ObjectRef
from schemas.context import Change

#: Characters of a commit's diff that are kept.
_DIFF = 4_000
#: Fields of one commit that are kept: a commit that changes more moved things, and takes no single value away.
_FIELDS = 40
#: Characters of a value that is kept, as JSON would write it.
_VALUE = 4_000
#: Bytes of a lost file's text that are kept, and what stands in it for bytes that were no text.
_TEXT, _UNREADABLE = 32 * 1024, "\ufffd"
#: Kinds whose documents hold secrets.
_CLOSED = frozenset({"Secret", "SealedSecret"})

Documents = Mapping[str, Json]


def written(
    about: ObjectRef | None,
    path: str,
    content: bytes,
    commits: Sequence[Commit],
    readings: Readings | None = None,
) -> list[Change]:
    """One change per commit of the file at ``path``, newest first; ``content`` is what it holds after the first of them.

    ``detail``: ``path``, ``diff``, and ``fields``: by ``Kind/namespace/name`` as the file writes them (empty for a file of
    values) field path to [before, after]; no ``fields`` from the first commit on whose diff does not fit. ``readings``:
    what was parsed before.
    """
    found: list[Change] = []
    readings = readings or Readings()
    text = _text(content) if commits else None
    after = _documents(text, readings)
    for commit in commits:
        text = undone(text, commit.diff) if text is not None else None
        before = _documents(text, readings)
        fields = _fields(before, after) if before is not None and after is not None else {}
        found.append(_change(about, path, commit, fields))
        after = before
    return found


def taken_away(
    wanted: Sequence[ObjectRef], files: Sequence[LostFile], readings: Readings | None = None
) -> list[Change]:
    """The commits that took a file away which declared one of the wanted ConfigMaps, the newest of each.

    As ``written``; where the file held nothing else, and nothing of it is masked, ``detail`` has ``lost`` as well: its
    ``text`` to the last byte, and the ``object`` that it says.
    """
    found: dict[ObjectRef, Change] = {}
    readings = readings or Readings()
    for file in files:
        before = undone("", file.commit.diff)
        documents = _documents(before, readings)
        for ref in wanted if documents else ():
            if ref not in found and (key := _declaring(documents or {}, ref)):
                fields = _fields({key: (documents or {})[key]}, {})
                change = _change(ref, file.path, file.commit, fields)
                found[ref] = _with_text(change, before or "", readings)
    return list(found.values())


def _declaring(documents: Documents, ref: ObjectRef) -> str:
    """The key under which the documents have the ConfigMap; empty where they do not."""
    keys = (f"{ref.kind}/{ref.namespace}/{ref.name}", f"{ref.kind}//{ref.name}")
    return next((key for key in keys if ref.kind == "ConfigMap" and key in documents), "")


def _with_text(change: Change, text: str, readings: Readings) -> Change:
    """With the file's text, where it is one object, short enough, and holds nothing that is masked."""
    roots = [equivalence.value_of(d.root) for d in readings.read(text) if d.root]
    whole = len(roots) == 1 and len(text.encode()) <= _TEXT and _UNREADABLE not in text
    if not whole or mask_json(roots[0]) != roots[0] or mask_json(text) != text:
        return change
    detail = change.detail if isinstance(change.detail, Mapping) else {}
    lost = {"text": text, "object": roots[0]}
    return change.model_copy(update={"detail": {**detail, "lost": lost}})


def _text(content: bytes) -> str | None:
    try:
        return decode(content)
    except NotEditable:
        return None


def _documents(text: str | None, readings: Readings) -> Documents | None:
    """The file's documents, masked, by ``Kind/namespace/name``; ``None`` where it cannot be read."""
    if text is None:
        return None
    try:
        roots = [equivalence.filled(d.root) for d in readings.read(text) if d.root]
    except NotEditable:
        return None
    values = [value for value in roots if isinstance(value, dict)]
    return {_key(value): mask_json(value) for value in values if kind_of(value) not in _CLOSED}


def _key(value: Json) -> str:
    kind, name = kind_of(value), name_of(value)
    return f"{kind}/{namespace_of(value)}/{name}" if kind and name else ""


def _fields(before: Documents, after: Documents) -> dict[str, dict[str, list[Json]]]:
    found = {
        key: differences(before.get(key, {}), after.get(key, {}))
        for key in dict.fromkeys([*after, *before])
        if before.get(key) != after.get(key)
    }
    if sum(len(of) for of in found.values()) > _FIELDS:
        return {}
    return {
        key: {path: pair for path, pair in of.items() if len(repr(pair)) <= _VALUE}
        for key, of in found.items()
    }


def _change(
    about: ObjectRef | None,
    path: str,
    commit: Commit,
    fields: Mapping[str, Mapping[str, list[Json]]],
) -> Change:
    detail = {"path": path, "diff": commit.diff[:_DIFF], "fields": fields}
    return Change(
        kind="commit",
        object=about,
        revision=commit.sha,
        at=commit.at,
        author=commit.author,
        summary=commit.title,
        url=commit.url,
        detail={key: value for key, value in detail.items() if value} if commit.diff else None,
    )
