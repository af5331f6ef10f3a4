"""Variables that Flux fills into what a Kustomization builds (``spec.postBuild``), and which of them decides a field. Pure.

Source: Flux's Kustomization v1 reference (post build variable substitution); the values of ``substitute`` win over those of
``substituteFrom``, of which only ConfigMaps of the repository are known here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from manifests.objects.shapes import mapping, mappings, text
from manifests.repository.declared import declared_objects
from manifests.repository.index import RepositoryIndex

_VARIABLE = re.compile(
    r"(?<!\$)\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::?[=-](?P<default>[^{}]*))?\}"
)


def known(index: RepositoryIndex, spec: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a Kustomization's ``spec`` whose values the repository says."""
    found: dict[str, str] = {}
    for entry in mappings(spec, "postBuild", "substituteFrom"):
        if text(entry, "kind") != "ConfigMap":
            continue
        named = [
            item
            for _, item in declared_objects(index, "configmap")
            if text(item, "metadata", "name") == text(entry, "name")
        ]
        if len(named) == 1:
            found |= {str(k): str(v) for k, v in mapping(named[0], "data").items()}
    given = mapping(spec, "postBuild", "substitute")
    return found | {str(k): text(given, str(k)) for k in given}


def fills(spec: Mapping[str, Any]) -> bool:
    """Does the Kustomization fill anything in?"""
    return bool(mapping(spec, "postBuild"))


def filled(content: str, variables: Mapping[str, str] | None) -> str:
    """A text with its variables filled in, and defaults of those that nobody says; ``None``: nothing is filled in."""
    if variables is None or "${" not in content:
        return content

    def said(found: re.Match[str]) -> str:
        value = variables.get(found["name"], found["default"])
        return found[0] if value is None else value

    return _VARIABLE.sub(said, content)


def deciding(declared: str, variables: Mapping[str, str], after: str) -> tuple[str, str] | None:
    """(variable, new value) that makes ``after`` of a declared text; ``None`` where not just one variable stands in it."""
    found = list(_VARIABLE.finditer(declared))
    if len(found) != 1:
        return None
    (one,) = found
    if variables.get(one["name"], one["default"]) is None:
        return None
    head, tail = declared[: one.start()], declared[one.end() :]
    fits = after.startswith(head) and after.endswith(tail) and len(after) > len(head) + len(tail)
    return (one["name"], after[len(head) : len(after) - len(tail)]) if fits else None
