"""A plan's changes as text for people who make them by hand: YAML as a merge patch says it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from manifests.objects import paths
from manifests.repository import rendering
from schemas.plans import FieldChange, KubernetesChange


def by_hand(changes: Sequence[KubernetesChange]) -> str:
    """One document an object: what it has to say, ``null`` for what goes; whole where it is new, a comment where it goes.

    A field in a list that is known by its place alone is said as a comment with its path.
    """
    return "---\n".join(_document(change) for change in changes)


def _document(change: KubernetesChange) -> str:
    if change.action == "delete":
        return f"# {change.object.key}: delete\n"
    if change.action == "create":
        return _yaml(change.manifest)
    ref = change.object
    metadata = {"name": ref.name} | ({"namespace": ref.namespace} if ref.namespace else {})
    head: Any = {"apiVersion": ref.api_version} if ref.api_version else {}
    document: Any = {**head, "kind": ref.kind, "metadata": metadata}
    spoken: list[str] = []
    for field in change.fields:
        path = paths.parse(field.path)
        if any(isinstance(segment, int) for segment in path):
            spoken.append(f"# {field.path}: {_yaml(field.after).strip()}\n")
            continue
        set_ = FieldChange(path=field.path, after=None if field.op == "remove" else field.after)
        document = rendering.expected(document, [set_])
    return _yaml(document) + "".join(spoken)


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100).replace(
        "\n...\n", "\n"
    )
