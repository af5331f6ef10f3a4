"""The Applications that Argo CD's ApplicationSets make, as far as a repository says what their generators find. Pure.

Sources: Argo CD's ApplicationSet pages (3.x): list, git, cluster, matrix and merge generators, post selectors, templates.
"""

from __future__ import annotations

import fnmatch
import itertools
import math
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from manifests.objects.shapes import items, mapping, mappings, text
from manifests.refused import NotEditable
from manifests.repository import argocd, go_templates
from manifests.repository.environments import is_called
from manifests.repository.rendering import Files
from manifests.text import equivalence, read
from manifests.text.readings import Readings
from schemas.base import Json

_CLUSTER = "argocd.argoproj.io/secret-type"
_LOCAL = {
    "name": "in-cluster",
    "nameNormalized": "in-cluster",
    "server": "https://kubernetes.default.svc",
}
#: Revisions of generators that count as the template's own.
_MAIN = ("HEAD", "main", "master")
#: How clusters begin of which only labels are known.
_UNKNOWN = "some-cluster-of-"
#: Sets of labels' values that are looked at.
_MANY = 50
#: What one generator fills in, element by element.
Elements = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Expansion:
    """What an ApplicationSet makes. ``complete``: these are all, as far as the clusters that are declared here are all;
    ``by_clusters``: there may be more, for clusters that are registered elsewhere."""

    made: tuple[Json, ...]
    complete: bool
    by_clusters: bool = False


@dataclass(frozen=True, slots=True)
class _Repository:
    files: Files
    readings: Readings
    #: ``group/project`` of the template's sources.
    origins: frozenset[str]
    revisions: frozenset[str]
    #: What the template says of its sources.
    said: str = ""


def generated(application_set: Json, files: Files, readings: Readings) -> list[Json]:
    """The Applications that an ApplicationSet makes of this repository, as far as its generators can be followed."""
    return list(expanded(application_set, files, readings).made)


def expanded(application_set: Json, files: Files, readings: Readings) -> Expansion:
    """All that can be told of an ApplicationSet's Applications."""
    spec = mapping(application_set, "spec")
    template, generators = mapping(spec, "template"), mappings(spec, "generators")
    sources = [source for _, source in argocd.sources({"spec": mapping(template, "spec")})]
    origins = frozenset(argocd.path_of(text(source, "repoURL")) for source in sources)
    revisions = frozenset(text(source, "targetRevision") for source in sources)
    here = _Repository(files, readings, origins, revisions, str(sources))
    made: list[Json] = []
    complete = not spec.get("templatePatch")
    for generator in generators:
        elements = _elements(generator, here)
        complete = complete and elements is not None
        for fields in elements or ():
            one = _filled(template, fields)
            if isinstance(one, dict) and _is_known(one):
                made.append({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", **one})
            else:
                complete = False
    return Expansion(tuple(made), complete, any(map(_asks_clusters, generators)))


def _is_known(application: Mapping[str, Any]) -> bool:
    """Is all filled in, and what is made known, whatever the cluster is called?"""
    spec = mapping(application, "spec")
    makes = [spec.get("source"), spec.get("sources"), mapping(spec, "destination").get("namespace")]
    return bool(spec) and "{{" not in str(application) and _UNKNOWN not in str(makes)


def filled(template: str, element: Mapping[str, Any]) -> str:
    """A text of the template with an element's fields filled in."""
    return go_templates.filled(template, _flat(element))


def _asks_clusters(generator: Mapping[str, Any]) -> bool:
    inner = (
        *mappings(generator, "matrix", "generators"),
        *mappings(generator, "merge", "generators"),
    )
    return "clusters" in generator or any(map(_asks_clusters, inner))


def _elements(generator: Mapping[str, Any], here: _Repository) -> Elements | None:
    """``None`` where what a generator finds is not in the repository, or would be filled into a template of its own."""
    kinds = [kind for kind in _KINDS if isinstance(generator.get(kind), Mapping)]
    if len(kinds) != 1 or set(generator) - {*kinds, "selector"}:
        return None
    said = mapping(generator, kinds[0])
    if mapping(said, "template"):
        return None
    found = _KINDS[kinds[0]](said, here)
    if found is None:
        return None
    return [fields for fields in found if _selects(mapping(generator, "selector"), fields)]


def _list(said: Mapping[str, Any], _: _Repository) -> Elements | None:
    if "elementsYaml" in said:
        return None
    return [_flat(element) for element in mappings(said, "elements")]


def _git(said: Mapping[str, Any], here: _Repository) -> Elements | None:
    asked, revision = argocd.path_of(text(said, "repoURL")), text(said, "revision")
    if asked and "{{" not in asked and here.origins and asked not in here.origins:
        return None
    if revision and "{{" not in revision and revision not in (*_MAIN, *here.revisions):
        return None
    found = _directories(said, here.files) if said.get("directories") else _git_files(said, here)
    if found is None:
        return None
    prefix = text(said, "pathParamPrefix")
    if prefix:
        found = [
            {f"{prefix}.{k}" if k.startswith("path") else k: v for k, v in fields.items()}
            for fields in found
        ]
    return _with_values(said, found)


class _Unknown(Exception):
    """A cluster is declared with what a shell or Flux fills in."""


def _clusters(said: Mapping[str, Any], here: _Repository) -> Elements | None:
    """The clusters whose Secrets the repository declares; with no selector the one that Argo CD runs in too. Where it
    declares none, one for each environment that the selector allows a label of the sources to say."""
    if said.get("flatList"):
        return None
    try:
        declared = list(_declared_clusters(here))
    except _Unknown:
        return None
    chosen = [fields for labels, fields in declared if _selects(mapping(said, "selector"), labels)]
    if not declared:
        chosen = list(_labelled(mapping(said, "selector"), here))
        return _with_values(said, chosen) if chosen else None
    if not chosen:
        return None
    local = any(fields["server"] == _LOCAL["server"] for fields in chosen)
    selector = mapping(said, "selector")
    if not any(selector.values()) and not local:
        chosen.append(dict(_LOCAL))
    return _with_values(said, chosen)


def _labelled(selector: Mapping[str, Any], here: _Repository) -> Iterator[dict[str, str]]:
    """One cluster for each set of values that a selector leaves to the labels that sources are told apart by, where one of
    these says environments. What such clusters are called is not known."""
    left = {str(k): [str(v)] for k, v in mapping(selector, "matchLabels").items()}
    for one in mappings(selector, "matchExpressions"):
        if text(one, "operator") == "In":
            left[text(one, "key")] = [str(value) for value in items(one, "values")]
    used = {key: values for key, values in left.items() if f"metadata.labels.{key}" in here.said}
    told = any(all(map(is_called, values)) for values in used.values())
    if not told or math.prod(map(len, used.values())) > _MANY:
        return
    for values in itertools.product(*used.values()):
        unknown = _UNKNOWN + "-".join(values)
        fields = {"name": unknown, "nameNormalized": unknown, "server": f"https://{unknown}"}
        labels = zip(used, values, strict=True)
        yield fields | {f"metadata.labels.{key}": value for key, value in labels}


def _declared_clusters(here: _Repository) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """(labels, fields) of each Secret that registers a cluster."""
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
                flat = _flat(
                    {
                        "metadata": {
                            k: mapping(item, "metadata", k) for k in ("labels", "annotations")
                        }
                    }
                )
                fields = {
                    "name": name,
                    "nameNormalized": go_templates.normalized(name),
                    "server": server,
                }
                yield {str(k): str(v) for k, v in labels.items()}, fields | flat


def _matrix(said: Mapping[str, Any], here: _Repository) -> Elements | None:
    inner = mappings(said, "generators")
    first = _elements(inner[0], here) if len(inner) == 2 else None
    if first is None:
        return None
    out: Elements = []
    for fields in first:
        second = _elements(_filled(inner[1], fields), here)
        if second is None:
            return None
        out += [fields | more for more in second]
    return out


def _merge(said: Mapping[str, Any], here: _Repository) -> Elements | None:
    """The first generator's elements, with what later ones say of those with the same keys."""
    keys = [str(key) for key in items(said, "mergeKeys")]
    inner = [_elements(generator, here) for generator in mappings(said, "generators")]
    if not keys or len(inner) < 2 or inner[0] is None:
        return None
    out = [dict(fields) for fields in inner[0]]
    for elements in inner[1:]:
        if elements is None:
            return None
        over = {tuple(map(fields.get, keys)): fields for fields in elements}
        out = [fields | over.get(tuple(map(fields.get, keys)), {}) for fields in out]
    return out


_KINDS = {"list": _list, "git": _git, "clusters": _clusters, "matrix": _matrix, "merge": _merge}


def _with_values(said: Mapping[str, Any], found: Elements) -> Elements:
    extra = mapping(said, "values")
    return [
        fields | {f"values.{key}": str(_filled(value, fields)) for key, value in extra.items()}
        for fields in found
    ]


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


def _flat(node: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Fields by their dotted path. Lists have none."""
    out: dict[str, str] = {}
    for key, value in node.items():
        if isinstance(value, Mapping):
            out |= _flat(value, f"{prefix}{key}.")
        elif not isinstance(value, list):
            out[f"{prefix}{key}"] = _word(value)
    return out


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _directories(git: Mapping[str, Any], files: Files) -> list[dict[str, str]]:
    listed = mappings(git, "directories")
    wanted = [text(d, "path") for d in listed if d.get("path") and not d.get("exclude")]
    without = [text(d, "path") for d in listed if d.get("exclude")]
    return [
        _of_path(folder)
        for folder in sorted({f for path in files for f in _parents(path)} if wanted else ())
        if any(_is(folder, w) for w in wanted) and not any(_is(folder, w) for w in without)
    ]


def _of_path(folder: str) -> dict[str, str]:
    name = posixpath.basename(folder)
    found = {"path": folder, "path.path": folder, "path.basename": name}
    found["path.basenameNormalized"] = go_templates.normalized(name)
    for at, part in enumerate(folder.split("/")):
        found |= {f"path[{at}]": part, f"path.segments.{at}": part}
    return found


def _git_files(git: Mapping[str, Any], here: _Repository) -> Elements | None:
    out: Elements = []
    wanted = [text(f, "path") for f in mappings(git, "files")]
    for path in sorted(here.files):
        if not any(_is_file(path, w) for w in wanted):
            continue
        try:
            documents = here.readings.read(read.decode(here.files[path]))
        except NotEditable:
            return None
        content = equivalence.filled(documents[0].root) if documents else None
        entries = content if isinstance(content, list) else [content]
        for entry in entries:
            if not isinstance(entry, Mapping):
                return None
            stem = posixpath.basename(path)
            name = {"path.filename": stem, "path.filenameNormalized": go_templates.normalized(stem)}
            out.append(_flat(entry) | _of_path(posixpath.dirname(path)) | name)
    return out


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


def _filled(node: Any, fields: Mapping[str, str]) -> Any:
    if isinstance(node, Mapping):
        return {key: _filled(value, fields) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(item, fields) for item in node]
    return go_templates.filled(node, fields) if isinstance(node, str) else node
