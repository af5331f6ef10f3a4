"""Parts of objects that may have any shape: what is not as it should be is as good as not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NOTHING: Mapping[str, Any] = {}


def mapping(node: object, *keys: str) -> Mapping[str, Any]:
    """The mapping at a chain of keys, empty where there is none."""
    for key in keys:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node if isinstance(node, Mapping) else _NOTHING


def mappings(node: object, *keys: str) -> list[Mapping[str, Any]]:
    """The mappings in the list at a chain of keys."""
    return [item for item in items(node, *keys) if isinstance(item, Mapping)]


def items(node: object, *keys: str) -> list[Any]:
    """The list at a chain of keys, empty where there is none."""
    for key in keys:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node if isinstance(node, list) else []


def text(node: object, *keys: str) -> str:
    """The word at a chain of keys as text, empty where there is none or something else."""
    for key in keys:
        node = node.get(key) if isinstance(node, Mapping) else None
    return str(node) if isinstance(node, str | int | float) else ""
