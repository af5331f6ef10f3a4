"""Edits of generated ConfigMaps: the literal, the line of an env file or the file that makes an entry. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from kfix.texts import say
from manifests.objects import paths
from manifests.refused import NotEditable
from manifests.repository import tree
from manifests.repository.generators import Generated, GeneratedEntry, entry_of
from manifests.repository.index import RepositoryIndex
from manifests.repository.kustomize import Graph
from manifests.text import equivalence, guards, scalars
from manifests.text.edits import Edit, Insert, Replace
from schemas.base import Json
from schemas.plans import FieldChange, KubernetesChange


@dataclass(slots=True)
class GeneratedEdits:
    """Edits of kustomization files, and whole new texts of files that are no YAML, by path."""

    edits: dict[str, list[Edit]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    #: Are they only right if a rendering says so?
    to_prove: bool = False


def edits_of(
    index: RepositoryIndex, graph: Graph, made: Generated, change: KubernetesChange, *, blind: bool
) -> GeneratedEdits:
    """The edits that make the generated ConfigMap say what ``change`` plans. ``blind``: whatever it says now.

    Raises NotEditable: STALE, NOT_FOUND, UNSUPPORTED, OVERRIDDEN where others have the same generator.
    """
    out = GeneratedEdits()
    for one in change.fields:
        path = paths.parse(one.path)
        if len(path) != 2 or path[0] != "data" or one.op == "remove" or one.after is None:
            raise NotEditable("UNSUPPORTED", say("manifests.generated_entry_alone", field=one.path))
        key, after = str(path[1]), _text(one.after)
        entry = entry_of(index, made, key)
        if entry is None:
            _add(index, graph, made, one, out)
            continue
        if entry.value == after:
            continue
        if not blind and one.op == "replace" and entry.value != _text(one.before):
            why = say(
                "manifests.is_not_as_before",
                field=one.path,
                current=repr(entry.value)[:80],
                before=repr(one.before)[:80],
            )
            raise NotEditable("STALE", why)
        guards.check_value(entry.value)
        if _is_owned(graph, made, entry):
            _change(index, entry, after, out)
        else:
            _merge(index, made, entry, f"{key}={after}", out)
    return out


def _text(value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return scalars.plain_text(value)
    return "" if value is None else repr(value)


def _is_owned(graph: Graph, made: Generated, entry: GeneratedEntry) -> bool:
    users = [root.folder for root in graph.builds_of(entry.maker.path)]
    return users == [made.root.folder]


def _merge(
    index: RepositoryIndex,
    made: Generated,
    entry: GeneratedEntry,
    literal: str,
    out: GeneratedEdits,
) -> None:
    """A literal of the environment's own, over one that others have too: in its generator, or in a new one that merges."""
    if "\n" in literal or entry.whole:
        raise NotEditable("OVERRIDDEN", say("manifests.sets_field_for_more_than", path=entry.file))
    path, content = made.root.path, _value(index, made.root.path)
    own = [n for k, n in made.makers if k.path == path]
    listed = paths.find(content, ("configMapGenerator", *own[:1], "literals"), None)
    if own and not isinstance(listed, list):
        raise NotEditable("OVERRIDDEN", say("manifests.sets_field_for_more_than", path=entry.file))
    out.to_prove = True
    edits = out.edits.setdefault(path, [])
    if own and isinstance(listed, list):
        at = ("configMapGenerator", own[0], "literals")
        edits.append(Insert(0, at, len(listed), literal, of=len(listed)))
        return
    name = next(_value_of_name(index, k.path, n) for k, n in made.makers if k == entry.maker)
    new = {"name": name, "behavior": "merge", "literals": [literal]}
    generators = paths.find(content, ("configMapGenerator",), None)
    if isinstance(generators, list):
        at_end = len(generators)
        edits.append(Insert(0, ("configMapGenerator",), at_end, new, of=at_end))
    else:
        edits.append(Insert(0, (), "configMapGenerator", [new]))


def _value_of_name(index: RepositoryIndex, path: str, n: int) -> str:
    return str(paths.get(_value(index, path), ("configMapGenerator", n, "name")))


def _change(index: RepositoryIndex, entry: GeneratedEntry, after: str, out: GeneratedEdits) -> None:
    tree.check_path(entry.file)
    if entry.at:
        if "\n" in after:
            raise NotEditable("UNSUPPORTED", say("manifests.generated_entry_one_line"))
        old = str(paths.get(_value(index, entry.file), entry.at))
        new = f"{old[: len(old) - len(_tail(old))]}{_quoted(_tail(old), after)}"
        out.edits.setdefault(entry.file, []).append(Replace(0, entry.at, old, new))
    elif entry.whole:
        out.texts[entry.file] = after
    else:
        if "\n" in after:
            raise NotEditable("UNSUPPORTED", say("manifests.generated_entry_one_line"))
        text = out.texts.get(entry.file) or _file(index, entry.file)
        line = re.compile(rf"(?m)^([ \t]*{re.escape(entry.key)}[ \t]*=)[^\r\n]*")
        if len(line.findall(text)) != 1:
            raise NotEditable("AMBIGUOUS_DOC", say("manifests.generated_key_twice", key=entry.key))
        out.texts[entry.file] = line.sub(lambda found: found[1] + after, text)


def _tail(literal: str) -> str:
    """What stands behind the equals sign."""
    return literal.partition("=")[2]


def _quoted(old: str, new: str) -> str:
    quoted = len(old) > 1 and old[0] == old[-1] and old[0] in "'\""
    return f"{old[0]}{new}{old[0]}" if quoted else new


def _add(
    index: RepositoryIndex, graph: Graph, made: Generated, one: FieldChange, out: GeneratedEdits
) -> None:
    """A new literal, in the environment's own generator where that has a list of them."""
    maker, n = made.makers[0]
    at = ("configMapGenerator", n, "literals")
    listed = paths.find(_value(index, maker.path), at, None)
    own = [root.folder for root in graph.builds_of(maker.path)] == [made.root.folder]
    after = _text(one.after)
    if one.op != "add" or not isinstance(listed, list) or not own or "\n" in after:
        raise NotEditable("NOT_FOUND", say("manifests.nothing_at", field=one.path))
    literal = f"{paths.parse(one.path)[1]}={after}"
    new = Insert(0, at, len(listed), literal, of=len(listed))
    out.edits.setdefault(maker.path, []).append(new)


def _value(index: RepositoryIndex, path: str) -> Json:
    return equivalence.value_of(index.documents(path)[0].root)


def _file(index: RepositoryIndex, path: str) -> str:
    content = index.files[path]
    return content if isinstance(content, str) else content.decode()


def planned_of(
    index: RepositoryIndex, made: Generated, fields: Sequence[tuple[str, Json]]
) -> tuple[FieldChange, ...]:
    """The changes that give keys new values, whatever they are now."""
    found = []
    for text, value in fields:
        path = paths.parse(text)
        entry = entry_of(index, made, str(path[-1]))
        if entry is None:
            found.append(FieldChange(op="add", path=text, after=_text(value)))
        else:
            found.append(FieldChange(path=text, before=entry.value, after=_text(value)))
    return tuple(found)
