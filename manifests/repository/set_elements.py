"""What the generators of an ApplicationSet find: elements, and where the repository says each of their fields. Pure.

Sources: Argo CD's ApplicationSet pages (3.x): list, git, cluster, matrix and merge generators, post selectors.
"""

from __future__ import annotations

import fnmatch
import itertools
import math
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from manifests.objects import paths
from manifests.objects.shapes import items, mapping, mappings, text
from manifests.refused import NotEditable
from manifests.repository import argocd, go_programs, go_templates
from manifests.repository.environments import is_called
from manifests.repository.rendering import Files
from manifests.text import equivalence, read
from manifests.text.readings import Readings

_CLUSTER = "argocd.argoproj.io/secret-type"
_LOCAL = {
    "name": "in-cluster",
    "nameNormalized": "in-cluster",
    "server": "https://kubernetes.default.svc",
}
#: Revisions of generators that count as the template's own.
_MAIN = ("HEAD", "main", "master")
#: How clusters begin of which only labels are known.
UNKNOWN = "some-cluster-of-"
#: Sets of labels' values that are looked at.
_MANY = 50
#: A value that is one field and nothing else.
HOLE = re.compile(r"\{\{-?\s*\.?([A-Za-z0-9_.-]+?)\s*(?:\|\s*quote\s*)?-?\}\}")


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """Where a field is said: in the ApplicationSet itself, or in ``file``, which a generator reads."""

    at: paths.Path
    file: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """What a generator fills in once. ``fields`` are by their dotted paths, as text."""

    fields: Mapping[str, str] = field(default_factory=dict)
    #: Where scalars are said that an edit may change.
    said: Mapping[str, FieldPlace] = field(default_factory=dict)
    #: The same fields as Go's templates see them.
    tree: Mapping[str, Any] = field(default_factory=dict)


#: Element by element.
Elements = list[Element]


@dataclass(frozen=True, slots=True)
class GeneratorSources:
    """What generators are read from."""

    files: Files
    readings: Readings
    #: ``group/project`` of the template's sources.
    origins: frozenset[str]
    revisions: frozenset[str]
    #: What the template says of its sources.
    template: str = ""
    #: Are holes of Go's templates?
    go: bool = False


def elements(
    generator: Mapping[str, Any], at: paths.Path, here: GeneratorSources
) -> Elements | None:
    """What a generator finds that stands at ``at``. ``None`` where that is not in the repository, where Argo CD would refuse it, or where it
    would be filled into a template of its own."""
    kinds = [kind for kind in _KINDS if isinstance(generator.get(kind), Mapping)]
    if len(kinds) != 1 or set(generator) - {*kinds, "selector"}:
        return None
    said = mapping(generator, kinds[0])
    if mapping(said, "template"):
        return None
    found = _KINDS[kinds[0]](said, (*at, kinds[0]), here)
    if found is None:
        return None
    return [one for one in found if _selects(mapping(generator, "selector"), one.fields)]


def git_files(generator: Any) -> Iterator[str]:
    """The patterns of files that any generator in it reads from Git."""
    if isinstance(generator, Mapping):
        for key, value in generator.items():
            if key == "git":
                yield from (text(one, "path") for one in mappings(value, "files"))
            yield from git_files(value)
    elif isinstance(generator, list):
        for one in generator:
            yield from git_files(one)


def filled(node: Any, element: Element, *, go: bool, strict: bool = False) -> Any:
    """A template with an element's fields in it; holes that are not known stay."""
    if isinstance(node, Mapping):
        return {key: filled(value, element, go=go, strict=strict) for key, value in node.items()}
    if isinstance(node, list):
        return [filled(item, element, go=go, strict=strict) for item in node]
    if not isinstance(node, str) or "{{" not in node:
        return node
    made = go_templates.filled(node, element.fields)
    if go and "{{" in made:
        try:
            return go_programs.evaluated(node, element.tree, strict=strict)
        except go_programs.NotEvaluated:
            return made
    return made


def _list(said: Mapping[str, Any], at: paths.Path, here: GeneratorSources) -> Elements | None:
    if "elementsYaml" in said:
        return None
    return [
        _of_content(element, (*at, "elements", number), "", here)
        for number, element in enumerate(items(said, "elements"))
        if isinstance(element, Mapping)
    ]


def _of_content(
    content: Mapping[str, Any], at: paths.Path, file: str, here: GeneratorSources
) -> Element:
    fields = dict(_flat(content, ""))
    said = {
        name: FieldPlace((*at, *keys), file)
        for name, keys in _places(content, "")
        if "{{" not in str(fields.get(name))
    }
    return Element(_printed(fields, here), said, content)


def _printed(fields: Mapping[str, Any], here: GeneratorSources) -> dict[str, str]:
    """As text; of Go's templates only what has a plain form there."""
    out: dict[str, str] = {}
    for name, value in fields.items():
        if not here.go:
            out[name] = _word(value)
            continue
        try:
            out[name] = go_programs.word(value)
        except go_programs.NotEvaluated:
            continue
    return out


def _git(said: Mapping[str, Any], at: paths.Path, here: GeneratorSources) -> Elements | None:
    asked, revision = argocd.path_of(text(said, "repoURL")), text(said, "revision")
    if asked and "{{" not in asked and here.origins and asked not in here.origins:
        return None
    if revision and "{{" not in revision and revision not in (*_MAIN, *here.revisions):
        return None
    prefix = text(said, "pathParamPrefix")
    if said.get("directories"):
        found: Elements | None = _directories(said, prefix, here.files)
    else:
        found = _git_files(said, prefix, here)
    return None if found is None else _with_values(said, at, found, here)


class _Unknown(Exception):
    """A cluster is declared with what a shell or Flux fills in."""


def _clusters(said: Mapping[str, Any], at: paths.Path, here: GeneratorSources) -> Elements | None:
    """The clusters whose Secrets the repository declares; with no selector the one that Argo CD runs in too. Where it
    declares none, one for each environment that the selector allows a label of the sources to say."""
    if said.get("flatList"):
        return None
    try:
        declared = list(_declared_clusters(here))
    except _Unknown:
        return None
    selector = mapping(said, "selector")
    chosen = [one for labels, one in declared if _selects(selector, labels)]
    if not declared:
        chosen = list(_labelled(selector, here))
        return _with_values(said, at, chosen, here) if chosen else None
    if not chosen:
        return None
    local = any(one.fields["server"] == _LOCAL["server"] for one in chosen)
    if not any(selector.values()) and not local:
        chosen.append(Element(dict(_LOCAL), {}, dict(_LOCAL)))
    return _with_values(said, at, chosen, here)


def _labelled(selector: Mapping[str, Any], here: GeneratorSources) -> Iterator[Element]:
    """One cluster for each set of values that a selector leaves to the labels that sources are told apart by, where one of
    these says environments. What such clusters are called is not known."""
    left = {str(k): [str(v)] for k, v in mapping(selector, "matchLabels").items()}
    for one in mappings(selector, "matchExpressions"):
        if text(one, "operator") == "In":
            left[text(one, "key")] = [str(value) for value in items(one, "values")]
    used = {
        key: values for key, values in left.items() if f"metadata.labels.{key}" in here.template
    }
    told = any(all(map(is_called, values)) for values in used.values())
    if not told or math.prod(map(len, used.values())) > _MANY:
        return
    for values in itertools.product(*used.values()):
        unknown = UNKNOWN + "-".join(values)
        labels = dict(zip(used, values, strict=True))
        yield _cluster(unknown, f"https://{unknown}", labels, {}, named=unknown)


def _cluster(
    name: str, server: str, labels: Mapping[str, Any], annotations: Mapping[str, Any], *, named: str
) -> Element:
    fields = {"name": name, "nameNormalized": named, "server": server}
    metadata = {"metadata": {"labels": labels, "annotations": annotations}}
    flat = {key: _word(value) for key, value in _flat(metadata, "")}
    return Element(fields | flat, {}, fields | metadata)


def _declared_clusters(here: GeneratorSources) -> Iterator[tuple[dict[str, str], Element]]:
    """(labels, element) of each Secret that registers a cluster."""
    for path in sorted(here.files):
        content = here.files[path]
        raw = content if isinstance(content, bytes) else content.encode()
        if _CLUSTER.encode() not in raw:
            continue
        try:
            documents = here.readings.read(read.decode(content))
        except NotEditable:
            continue
        for document in documents:
            item = equivalence.filled(document.root)
            labels = mapping(item, "metadata", "labels")
            if text(item, "kind") != "Secret" or labels.get(_CLUSTER) != "cluster":
                continue
            data = mapping(item, "stringData")
            name, server = text(data, "name"), text(data, "server")
            if name and server:
                if "$" in str(labels) or "$" in name + server:
                    raise _Unknown
                annotations = mapping(item, "metadata", "annotations")
                named = go_templates.normalized(name)
                made = _cluster(name, server, labels, annotations, named=named)
                yield {str(k): str(v) for k, v in labels.items()}, made


def _matrix(said: Mapping[str, Any], at: paths.Path, here: GeneratorSources) -> Elements | None:
    """Each element of the first with each of the second, in which the first's fields are filled in. Where both say a field
    they have to say the same: what becomes of it otherwise depends on the version."""
    inner = mappings(said, "generators")
    place = (*at, "generators")
    first = elements(inner[0], (*place, 0), here) if len(inner) == 2 else None
    if first is None:
        return None
    out: Elements = []
    for one in first:
        second = elements(filled(inner[1], one, go=here.go), (*place, 1), here)
        if second is None:
            return None
        for other in second:
            if any(
                one.fields[name] != other.fields[name] for name in one.fields.keys() & other.fields
            ):
                return None
            out.append(_combined(one, other))
    return out


def _merge(said: Mapping[str, Any], at: paths.Path, here: GeneratorSources) -> Elements | None:
    """The first generator's elements, with what later ones say of those with the same keys."""
    keys = [str(key) for key in items(said, "mergeKeys")]
    inner = mappings(said, "generators")
    found = [elements(one, (*at, "generators", n), here) for n, one in enumerate(inner)]
    if not keys or len(found) < 2 or (here.go and any("." in key for key in keys)):
        return None
    out: Elements | None = None
    for listed in found:
        if listed is None:
            return None
        over = {tuple(map(one.fields.get, keys)): one for one in listed}
        if len(over) != len(listed):
            return None  # Argo CD refuses keys that are not unique
        if out is None:
            out = listed
            continue
        merged = []
        for one in out:
            other = over.get(tuple(map(one.fields.get, keys)))
            if other is not None and any(
                not v and one.fields.get(k) for k, v in other.fields.items()
            ):
                return None  # whether nothing replaces something depends on the version
            merged.append(one if other is None else _combined(one, other))
        out = merged
    return out


def _combined(one: Element, other: Element) -> Element:
    """The second's fields over the first's."""
    kept = {k: place for k, place in one.said.items() if k not in other.fields}
    return Element(
        {**one.fields, **other.fields}, {**kept, **other.said}, _over(one.tree, other.tree)
    )


def _over(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(low)
    for key, value in high.items():
        below = out.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        out[key] = _over(below, value) if both else value  # type: ignore[arg-type]
    return out


_KINDS = {"list": _list, "git": _git, "clusters": _clusters, "matrix": _matrix, "merge": _merge}


def _with_values(
    said: Mapping[str, Any], at: paths.Path, found: Elements, here: GeneratorSources
) -> Elements:
    """``values`` that a generator adds to each of its elements."""
    extra = mapping(said, "values")
    return [_with(one, extra, (*at, "values"), here) for one in found] if extra else found


def _with(
    one: Element, extra: Mapping[str, Any], at: paths.Path, here: GeneratorSources
) -> Element:
    values = {str(key): str(filled(value, one, go=here.go)) for key, value in extra.items()}
    said = dict(one.said)
    for key, value in extra.items():
        hole = HOLE.fullmatch(str(value))
        if hole and hole[1] in one.said:
            said[f"values.{key}"] = one.said[hole[1]]
        elif "{{" not in str(value):
            said[f"values.{key}"] = FieldPlace((*at, key))
    fields = {**one.fields, **{f"values.{key}": value for key, value in values.items()}}
    return Element(fields, said, {**one.tree, "values": values})


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Does a label selector choose these? One with an operator that is not known chooses everything."""
    if any(labels.get(str(k)) != str(v) for k, v in mapping(selector, "matchLabels").items()):
        return False
    for one in mappings(selector, "matchExpressions"):
        now, among = labels.get(text(one, "key")), [str(v) for v in items(one, "values")]
        fits = {
            "In": now in among,
            "NotIn": now not in among,
            "Exists": now is not None,
            "DoesNotExist": now is None,
        }
        if not fits.get(text(one, "operator"), True):
            return False
    return True


def _flat(node: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Scalars by their dotted path. Lists have none."""
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif not isinstance(value, list):
            yield f"{prefix}{key}", value


def _places(node: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, paths.Path]]:
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from ((name, (key, *at)) for name, at in _places(value, f"{prefix}{key}."))
        elif not isinstance(value, list):
            yield f"{prefix}{key}", (key,)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _directories(git: Mapping[str, Any], prefix: str, files: Files) -> Elements:
    listed = mappings(git, "directories")
    wanted = [text(d, "path") for d in listed if d.get("path") and not d.get("exclude")]
    without = [text(d, "path") for d in listed if d.get("exclude")]
    return [
        _prefixed(_of_path(folder), _path_tree(folder), prefix)
        for folder in sorted({f for path in files for f in _parents(path)} if wanted else ())
        if any(_is(folder, w) for w in wanted) and not any(_is(folder, w) for w in without)
    ]


def _prefixed(fields: Mapping[str, str], tree: Mapping[str, Any], prefix: str) -> Element:
    if not prefix:
        return Element(fields, {}, {"path": tree})
    return Element({f"{prefix}.{k}": v for k, v in fields.items()}, {}, {prefix: {"path": tree}})


def _of_path(folder: str) -> dict[str, str]:
    name = posixpath.basename(folder)
    found = {"path": folder, "path.path": folder, "path.basename": name}
    found["path.basenameNormalized"] = go_templates.normalized(name)
    for at, part in enumerate(folder.split("/")):
        found |= {f"path[{at}]": part, f"path.segments.{at}": part}
    return found


def _path_tree(folder: str) -> dict[str, Any]:
    name = posixpath.basename(folder)
    return {
        "path": folder,
        "basename": name,
        "basenameNormalized": go_templates.normalized(name),
        "segments": folder.split("/"),
    }


def _git_files(git: Mapping[str, Any], prefix: str, here: GeneratorSources) -> Elements | None:
    out: Elements = []
    listed = mappings(git, "files")
    wanted = [text(f, "path") for f in listed if not f.get("exclude")]
    without = [text(f, "path") for f in listed if f.get("exclude")]
    for path in sorted(here.files):
        meant = _among(path, wanted)
        left_out = _among(path, without) if meant is not False else False
        if meant is False or left_out is True:
            continue
        if meant is None or left_out is None:
            return None
        found = _of_file(path, prefix, here)
        if found is None:
            return None
        out += found
    return out


def _of_file(path: str, prefix: str, here: GeneratorSources) -> Elements | None:
    try:
        documents = here.readings.read(read.decode(here.files[path]))
    except NotEditable:
        return None
    content = equivalence.filled(documents[0].root) if documents else None
    several = isinstance(content, list)
    out: Elements = []
    for number, entry in enumerate(content if isinstance(content, list) else [content]):
        if not isinstance(entry, Mapping):
            return None
        folder, stem = posixpath.split(path)
        named = {"filename": stem, "filenameNormalized": go_templates.normalized(stem)}
        fields = _of_path(folder) | {f"path.{key}": value for key, value in named.items()}
        where = _prefixed(fields, _path_tree(folder) | named, prefix)
        own = _of_content(entry, (number,) if several else (), path, here)
        out.append(replace(_combined(own, where), tree={**own.tree, **where.tree}))
    return out


def _among(path: str, patterns: Sequence[str]) -> bool | None:
    """Do the patterns mean the file? ``None`` where Argo CD's two ways of reading a star do not agree."""
    narrow = any(_is_file(path, pattern) for pattern in patterns)
    if narrow or not any(fnmatch.fnmatchcase(path, one.strip("/")) for one in patterns):
        return narrow
    return None


def _is_file(path: str, pattern: str) -> bool:
    if "**" in pattern:
        parts = [re.escape(p).replace(r"\*", "[^/]*") for p in pattern.strip("/").split("**")]
        return re.fullmatch(".*".join(parts).replace("/.*/", "/(.*/)?"), path) is not None
    return _is(path, pattern)


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def _is(folder: str, pattern: str) -> bool:
    """A star stays inside one level, as in Go's path.Match."""
    first, second = folder.split("/"), pattern.strip("/").split("/")
    return len(first) == len(second) and all(map(fnmatch.fnmatchcase, first, second))
