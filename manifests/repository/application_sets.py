"""The Applications that Argo CD's ApplicationSets make, as far as a repository says what their generators find. Pure.

Sources: Argo CD's ApplicationSet template, template patch and Go template pages (3.x).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from manifests.objects.shapes import items, mapping, mappings, text
from manifests.refused import NotEditable
from manifests.repository import argocd, go_programs, set_elements
from manifests.repository.rendering import Files
from manifests.repository.set_elements import Element, GeneratorSources
from manifests.text import equivalence
from manifests.text.readings import Readings
from schemas.base import Json

#: A field that a patch fills in as it is.
_FIELD = re.compile(r"\{\{\s*\.([A-Za-z0-9_.]+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class MadeApplication:
    """An Application, and the element that it is made of."""

    item: Json
    element: Element
    #: The same without the set's ``templatePatch``; what the patch itself says, with its simple holes left as they are.
    unpatched: Json = field(default_factory=dict)
    patch: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expansion:
    """What an ApplicationSet makes. ``complete``: these are all, as far as the clusters that are declared here are all;
    ``by_clusters``: there may be more, for clusters that are registered elsewhere."""

    of_elements: tuple[MadeApplication, ...]
    complete: bool
    by_clusters: bool = False

    @property
    def made(self) -> tuple[Json, ...]:
        """The Applications alone."""
        return tuple(one.item for one in self.of_elements)


def generated(application_set: Json, files: Files, readings: Readings) -> list[Json]:
    """The Applications that an ApplicationSet makes of this repository, as far as its generators can be followed."""
    return list(expanded(application_set, files, readings).made)


def expanded(application_set: Json, files: Files, readings: Readings) -> Expansion:
    """All that can be told of an ApplicationSet's Applications."""
    spec = mapping(application_set, "spec")
    generators = items(spec, "generators")
    sources = [s for _, s in argocd.sources({"spec": mapping(spec, "template", "spec")})]
    origins = frozenset(argocd.path_of(text(source, "repoURL")) for source in sources)
    revisions = frozenset(text(source, "targetRevision") for source in sources)
    go = bool(spec.get("goTemplate"))
    here = GeneratorSources(files, readings, origins, revisions, str(sources), go)
    made: list[MadeApplication] = []
    complete = True
    for number, generator in enumerate(generators):
        at = ("spec", "generators", number)
        found = set_elements.elements(mapping(generator), at, here)
        complete = complete and found is not None
        for element in found or ():
            one = _made(spec, element, readings)
            if one is not None:
                made.append(one)
            else:
                complete = False
    by_clusters = any(map(_asks_clusters, mappings(spec, "generators")))
    return Expansion(tuple(made), complete, by_clusters)


def _made(spec: Mapping[str, Any], element: Element, readings: Readings) -> MadeApplication | None:
    go, strict = (
        bool(spec.get("goTemplate")),
        "missingkey=error" in items(spec, "goTemplateOptions"),
    )
    template = set_elements.filled(mapping(spec, "template"), element, go=go, strict=strict)
    item = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", **template}
    if not spec.get("templatePatch"):
        return MadeApplication(item, element) if _is_known(item) else None
    written = str(spec["templatePatch"])
    try:
        patch = _said(go_programs.evaluated(written, element.tree, strict=strict), readings)
        left = _FIELD.sub(r"kfix-hole.\1.end", written)
        marked = _said(go_programs.evaluated(left, element.tree, strict=strict), readings)
    except (go_programs.NotEvaluated, NotEditable):
        return None
    patched = _patched(item, patch)
    if not go or "$" in "".join(_keys(patch)) or not _is_known(patched):
        return None
    return MadeApplication(patched, element, item, marked)


def _said(written: str, readings: Readings) -> Json:
    """A patch's content. Raises NotEditable."""
    documents = readings.read(written)
    found = equivalence.filled(documents[0].root) if documents else {}
    if len(documents) > 1 or not isinstance(found, Mapping):
        raise go_programs.NotEvaluated
    return dict(found)


def _keys(node: Any) -> list[str]:
    if isinstance(node, Mapping):
        return [*map(str, node), *(key for value in node.values() for key in _keys(value))]
    return [key for value in node for key in _keys(value)] if isinstance(node, list) else []


def _patched(node: Any, patch: Any) -> Any:
    """A merge patch: lists are replaced, ``null`` takes a key away."""
    if not isinstance(patch, Mapping):
        return patch
    out = dict(node) if isinstance(node, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = _patched(out.get(key), value)
    return out


def _is_known(application: Mapping[str, Any]) -> bool:
    """Is all filled in, and what is made known, whatever the cluster is called?"""
    spec = mapping(application, "spec")
    makes = [spec.get("source"), spec.get("sources"), mapping(spec, "destination").get("namespace")]
    return bool(spec) and "{{" not in str(application) and set_elements.UNKNOWN not in str(makes)


def _asks_clusters(generator: Mapping[str, Any]) -> bool:
    inner = (
        *mappings(generator, "matrix", "generators"),
        *mappings(generator, "merge", "generators"),
    )
    return "clusters" in generator or any(map(_asks_clusters, inner))
